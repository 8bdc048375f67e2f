import type { Intake, Session, Source } from "millrace/adapter";
import { amqpError, healing } from "./amqp-error.ts";
import type { Link } from "./link.ts";
import { type ProvisionOptions, provideQueue, tryExchange } from "./provision.ts";
import type { QueueRules } from "./queue-rules.ts";
import { QueueSession } from "./queue-session.ts";
import type { RabbitMqReceipt } from "./receipt.ts";
import type { RabbitMqTopology } from "./topology.ts";
import { TopologyWatch } from "./topology-watch.ts";
import { tryAgain } from "./try-again.ts";

export interface QueueSourceSettings {
  readonly link: Link;
  readonly rules: QueueRules;
  readonly topology: RabbitMqTopology;
  readonly provision: ProvisionOptions;
  readonly checkTopologyMs: number;
}

/** Opens a channel on the group's queue, after declaring all that the queue needs; again after every break. */
export class QueueSource implements Source<RabbitMqReceipt> {
  readonly #settings: QueueSourceSettings;
  #opened = false;

  constructor(settings: QueueSourceSettings) {
    this.#settings = settings;
  }

  async open(intake: Intake<RabbitMqReceipt>, signal: AbortSignal): Promise<Session<RabbitMqReceipt>> {
    const doing = `subscribing to ${JSON.stringify(this.#settings.rules.topic)}`;
    try {
      // Later breaks are the supervisor's, which waits and tries for ever.
      const session = this.#opened ? await this.#open(intake, signal) : await tryAgain(() => this.#open(intake, signal), doing, signal);
      this.#opened = true;
      return session;
    } catch (error) {
      const known = amqpError(error, doing);
      throw this.#opened ? healing(known) : known;
    }
  }

  async #open(intake: Intake<RabbitMqReceipt>, signal: AbortSignal): Promise<Session<RabbitMqReceipt>> {
    const { rules, link, topology, provision, checkTopologyMs } = this.#settings;
    await tryExchange(link, topology.exchange(rules.topic), topology, provision);
    const open = await unlessAborted(link.open(), signal);
    const channel = await open.model.createChannel();
    channel.on("error", () => {}); // whoever asked is told
    await provideQueue(channel, rules, topology, provision);
    const session = new QueueSession(channel, open, intake, rules);
    const watch = new TopologyWatch(open, {
      everyMs: checkTopologyMs,
      provide: (other) => provideQueue(other, rules, topology, provision),
      onTrouble: (error) => session.end(healing(amqpError(error, "looking after exchange and queue"))),
    });
    session.onOver(() => watch.stop());
    return session;
  }
}

/** The link is shared: it is left to others when this one is not wanted any more. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
