import type { Message as AmqpMessage, ConfirmChannel } from "amqplib";
import { type Logger, MillraceError } from "millrace";
import { equalBackoffMs, monotonicMs, Ring, sleep, startTimer, stopTimer, type TimerHandle } from "millrace/adapter";
import { amqpError } from "./amqp-error.ts";
import type { Link } from "./link.ts";
import { OutboundChannel, type OutboundRules } from "./outbound-channel.ts";
import { type Failure, PublishJob } from "./publish-job.ts";

export interface OutboundSettings extends OutboundRules {
  readonly timeoutMs: number;
  readonly maxWaiting: number;
  readonly maxWaitingBytes: number;
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  readonly logger: Logger;
  /** Makes sure that the exchange is there, on a fresh channel. */
  prepare(channel: ConfirmChannel, exchange: string): Promise<void>;
}

interface Lane {
  readonly jobs: Ring<PublishJob>;
  channel: OutboundChannel | undefined;
  opening: boolean;
}

/** More exchanges than this at once: those with nothing to do give their channels back. */
const MOST_LANES = 256;

/**
 * Everything that is published over one connection. Each exchange has a channel of its own, since the broker answers to a mistake
 * with one exchange by closing the channel. What cannot be sent now waits, each call until its own time is up.
 */
export class Outbound {
  readonly #link: Link;
  readonly #settings: OutboundSettings;
  readonly #lanes = new Map<string, Lane>();
  readonly #jobs = new Set<PublishJob>();
  readonly #stop = new AbortController();
  #waiting = 0;
  #bytes = 0;
  #timer: TimerHandle | undefined;
  #idle: (() => void)[] = [];
  /** Why nothing can be sent at present. */
  trouble: MillraceError | undefined;

  constructor(link: Link, settings: OutboundSettings) {
    this.#link = link;
    this.#settings = settings;
  }

  /** Messages of calls that have not ended. */
  get waiting(): number {
    return this.#waiting;
  }

  /** The id of a message as it is on the wire. */
  idOf(message: AmqpMessage): string | undefined {
    return this.#settings.idOf(message);
  }

  /** `fill` puts the messages in. */
  push(exchange: string, fill: (job: PublishJob) => void, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      let offAbort: (() => void) | undefined;
      const job = new PublishJob(exchange, monotonicMs() + this.#settings.timeoutMs, (ended, error) => {
        offAbort?.();
        this.#remove(ended);
        if (error === undefined) resolve();
        else reject(error);
      });
      fill(job);
      const { maxWaiting, maxWaitingBytes } = this.#settings;
      if (signal?.aborted) return job.giveUp(aborted(signal));
      // One call alone may be of any size: it waits for nobody.
      if (this.#jobs.size > 0 && (this.#waiting + job.messages.length > maxWaiting || this.#bytes + job.bytes > maxWaitingBytes)) {
        const text = `${this.#waiting} messages of ${this.#bytes} bytes wait to be sent already`;
        return job.giveUp({ code: "BUFFER_FULL", text, retryable: true, cause: undefined });
      }
      this.#jobs.add(job);
      this.#waiting += job.messages.length;
      this.#bytes += job.bytes;
      this.#timer ??= startTimer(() => this.#expire(), this.#settings.timeoutMs);
      if (signal !== undefined) {
        const onAbort = (): void => job.giveUp(aborted(signal));
        signal.addEventListener("abort", onAbort, { once: true });
        offAbort = () => signal.removeEventListener("abort", onAbort);
      }
      const lane = this.#lane(exchange);
      lane.jobs.push(job);
      this.#wake(exchange, lane);
    });
  }

  /** Resolves when no call is under way. */
  idle(): Promise<void> {
    return this.#jobs.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Ends what waits, and stops trying. The link is its owner's to close. */
  stop(): void {
    this.#settings.steps.stop();
    this.#stop.abort(new MillraceError("the publisher is closed", { code: "CLOSED" }));
    for (const job of [...this.#jobs]) job.giveUp({ code: "CLOSED", text: "the publisher is closed", retryable: false, cause: undefined });
    stopTimer(this.#timer);
    this.#timer = undefined;
  }

  #lane(exchange: string): Lane {
    let lane = this.#lanes.get(exchange);
    if (lane === undefined) {
      if (this.#lanes.size >= MOST_LANES) this.#dropIdleLane();
      lane = { jobs: new Ring(), channel: undefined, opening: false };
      this.#lanes.set(exchange, lane);
    }
    return lane;
  }

  #dropIdleLane(): void {
    for (const [exchange, lane] of this.#lanes) {
      if (lane.opening || lane.jobs.size > 0 || (lane.channel?.unconfirmed ?? 0) > 0) continue;
      lane.channel?.close();
      this.#lanes.delete(exchange);
      return;
    }
  }

  #wake(exchange: string, lane: Lane): void {
    if (lane.channel !== undefined) lane.channel.wake();
    else if (!lane.opening) {
      lane.opening = true;
      void this.#open(exchange, lane).finally(() => {
        lane.opening = false;
        if (lane.channel !== undefined || lane.jobs.size > 0) this.#wake(exchange, lane);
      });
    }
  }

  /** Opens the lane's channel, again and again while somebody waits for it. Never rejects. */
  async #open(exchange: string, lane: Lane): Promise<void> {
    const { signal } = this.#stop;
    for (let attempt = 1; lane.jobs.size > 0 && !signal.aborted; attempt++) {
      try {
        const link = await this.#link.open();
        const channel = await link.model.createConfirmChannel();
        channel.on("error", () => {}); // told by what fails
        await this.#settings.prepare(channel, exchange);
        if (link.closed) throw link.error;
        lane.channel = new OutboundChannel(exchange, channel, link, lane.jobs, this.#settings, (failure) => this.#onEnd(exchange, lane, failure));
        this.trouble = undefined;
        return;
      } catch (error) {
        const known = amqpError(error, `publishing to exchange ${JSON.stringify(exchange)}`);
        this.trouble = known;
        if (!known.retryable) {
          this.#refuse(lane, { code: known.code, text: known.message, retryable: false, cause: known });
          return;
        }
        const { logger, reconnectMinMs, reconnectMaxMs } = this.#settings;
        logger.warn({ adapter: "rabbitmq", exchange, attempt, error: known }, "publishing waits for a connection");
        await sleep(equalBackoffMs(attempt, reconnectMinMs, reconnectMaxMs), signal).catch(() => {});
        this.#dropEnded(lane);
      }
    }
  }

  #onEnd(exchange: string, lane: Lane, failure: Failure): void {
    lane.channel = undefined;
    this.#dropEnded(lane);
    if (this.#stop.signal.aborted) return;
    this.#settings.logger.warn({ adapter: "rabbitmq", exchange, error: failure.cause }, "the channel for publishing was closed");
    if (lane.jobs.size > 0) this.#wake(exchange, lane);
  }

  #dropEnded(lane: Lane): void {
    for (let count = lane.jobs.size; count > 0; count--) {
      const job = lane.jobs.shift() as PublishJob;
      if (job.sends) lane.jobs.push(job);
    }
  }

  #refuse(lane: Lane, failure: Failure): void {
    for (let job = lane.jobs.shift(); job !== undefined; job = lane.jobs.shift()) job.giveUp(failure);
  }

  #expire(): void {
    this.#timer = undefined;
    const now = monotonicMs();
    for (const job of this.#jobs) {
      if (job.deadline > now) {
        this.#timer = startTimer(() => this.#expire(), job.deadline - now + 1);
        return;
      }
      job.giveUp(this.#late());
    }
  }

  #late(): Failure {
    const { timeoutMs } = this.#settings;
    const blocked = this.#link.current?.blocked;
    if (blocked !== undefined) {
      return { code: "BROKER_BLOCKED", text: `the broker took no messages for ${timeoutMs} ms: ${blocked}`, retryable: true, cause: undefined };
    }
    const { trouble } = this;
    const text = `the messages were not confirmed within ${timeoutMs} ms`;
    if (trouble === undefined) return { code: "PUBLISH_TIMEOUT", text, retryable: true, cause: undefined };
    return { code: trouble.code, text: `${text}: ${trouble.message}`, retryable: true, cause: trouble };
  }

  #remove(job: PublishJob): void {
    if (!this.#jobs.delete(job)) return;
    this.#waiting -= job.messages.length;
    this.#bytes -= job.bytes;
    if (this.#jobs.size > 0) return;
    stopTimer(this.#timer);
    this.#timer = undefined;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

function aborted(signal: AbortSignal): Failure {
  return { code: "PUBLISH_ABORTED", text: "the publish was aborted", retryable: false, cause: signal.reason };
}
