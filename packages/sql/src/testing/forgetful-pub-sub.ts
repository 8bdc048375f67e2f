import { Message, type PublishOptions } from "millrace";
import { dueMsOf } from "millrace/adapter";
import { SqlPubSub } from "../pub-sub.ts";
import { sqlite } from "../sqlite/sqlite.ts";

/** A pub/sub that holds messages back in its own process, as one would who does not read the contract: they go with it. */
export class ForgetfulPubSub extends SqlPubSub {
  readonly #timers: Set<NodeJS.Timeout> = new Set();

  constructor(path: string) {
    super({ dialect: sqlite({ path }) });
  }

  override async publish(topic: string, given: Message | readonly Message[], options?: PublishOptions): Promise<void> {
    const list = Array.isArray(given) ? (given as readonly Message[]) : [given as Message];
    for (const message of list) {
      const due = dueMsOf(message);
      if (due === undefined) await super.publish(topic, message, options);
      else this.#timers.add(setTimeout(() => void super.publish(topic, new Message(message.payload, { id: message.id })), due - Date.now()));
    }
  }

  override async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await super.close();
  }
}
