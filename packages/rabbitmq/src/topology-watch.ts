import type { Channel } from "amqplib";
import { sleep } from "millrace/adapter";
import { leaveChannel } from "./leave-channel.ts";
import type { OpenLink } from "./open-link.ts";

export interface TopologyWatchRules {
  readonly everyMs: number;
  /** Declares, or looks. */
  provide(channel: Channel): Promise<void>;
  onTrouble(error: unknown): void;
}

/** Looks after exchange, queue and binding from time to time, on a channel of its own: that one of them is gone the broker tells nobody. */
export class TopologyWatch {
  readonly #link: OpenLink;
  readonly #rules: TopologyWatchRules;
  readonly #stop = new AbortController();

  constructor(link: OpenLink, rules: TopologyWatchRules) {
    this.#link = link;
    this.#rules = rules;
    this.#run().catch((error: unknown) => {
      if (!this.#stop.signal.aborted && !link.closed) rules.onTrouble(error);
    });
  }

  stop(): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    for (;;) {
      await sleep(this.#rules.everyMs, this.#stop.signal);
      const channel = await this.#link.model.createChannel();
      channel.on("error", () => {}); // the question rejects
      await this.#rules.provide(channel);
      leaveChannel(channel);
    }
  }
}
