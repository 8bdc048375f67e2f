import type { Channel } from "amqplib";
import { type Backoff, monotonicMs, wallMs, whileBusy } from "millrace/adapter";
import { leaveChannel } from "../leave-channel.ts";
import type { Link } from "../link.ts";
import type { OpenLink } from "../open-link.ts";
import { type AstrayRules, bringBack } from "./bring-back.ts";
import { CONFIRMING, DUE, declareEnds, declareGate, pattern } from "./delay-ends.ts";
import { DECLARE_AGAIN_MS, type Hold, PREFIX, STEP_EXPIRES_MS } from "./delay-exit.ts";
import { BASE, digitsOf, levelOf, unitMs } from "./delay-route.ts";

export interface Address {
  readonly exchange: string;
  readonly routingKey: string;
}

export interface StepRules extends AstrayRules {
  readonly reconnect: Backoff;
}

/** The steps themselves live much longer than what goes through them: seldom is enough. */
const STEPS_AGAIN_MS = 12 * 60 * 60_000;

/** `millrace.delay.level.3`; below the lowest level is the exchange of what is due. */
function exchangeOf(level: number): string {
  return level === 0 ? DUE : `${PREFIX}level.${level}`;
}

/** `millrace.delay.1536ms` */
export function stepQueueName(level: number, digit: number): string {
  return `${PREFIX}${digit * unitMs(level)}ms`;
}

/**
 * So long after it was made a queue is not forgotten when the broker is killed. (RabbitMQ 3.10 writes down late that a quorum queue exists:
 * killed before, it starts with a queue that has no leader, and what it had confirmed stays there until it is started once more.)
 */
const SAFE_AFTER_MS = 1_000;

/**
 * The queues in which the broker holds messages back, shared by everything that works on it. A message's own time to live is looked at
 * only when it is at the head of its queue, so each queue has one time for all: one for each digit of each level. The routing key
 * holds the digits of a message's delay and, as its last word, where it goes when it is due; each queue hands on to the exchange
 * of the next level, which sends it to the queue of the next digit, or past it where that is 0. The last queue, of no time at
 * all, gives back to the message the exchange and the routing key that it was published with.
 *
 * What could not find its last queue is kept in `millrace.delay.astray`: somebody deleted it, or the broker was killed and has forgotten
 * what it had confirmed just before, as RabbitMQ may. Whoever holds messages back reads there too, makes the last queue again by
 * what the message says of it, and sends the message on. After a cut it connects again for that, also when nothing is published.
 */
export class DelaySteps {
  readonly #link: Link;
  readonly #rules: StepRules;
  readonly #stop = new AbortController();
  /** Where the following was declared. */
  #declaredOn: OpenLink | undefined;
  #levels = 0;
  #levelsAt = 0;
  /** Last queue → when it was declared last. */
  readonly #gates: Map<string, number> = new Map();
  /** Queues that were made just now, `""` for those of the levels → when what is in them survives. */
  readonly #safeAt: Map<string, number> = new Map();
  #declaring: Promise<void> | undefined;
  /** Rises when something was missing after all: what is being declared then does not count. */
  #forgotten = 0;

  constructor(link: Link, rules: StepRules) {
    this.#link = link;
    this.#rules = rules;
  }

  /** `undefined` when everything is there that the message will go through; else resolves when it is. */
  ready(hold: Hold): Promise<void> | undefined {
    const level = levelOf(digitsOf(hold.dueMs - wallMs()));
    if (level === 0 || this.#has(hold, level)) return undefined;
    this.#declaring ??= this.#declare(hold, level).finally(() => {
      this.#declaring = undefined;
    });
    return this.#declaring.then(() => this.ready(hold));
  }

  /** Where to publish the message now: straight to its end once it is due. */
  address({ exit, dueMs, word }: Hold): Address {
    const digits = digitsOf(dueMs - wallMs());
    const level = levelOf(digits);
    return level === 0 ? exit : { exchange: exchangeOf(level), routingKey: `${digits.join(".")}.${word}` };
  }

  /** Milliseconds until what the message waits in survives a kill of the broker; mostly none. */
  unsafeMs({ gate }: Hold): number {
    if (this.#safeAt.size === 0) return 0;
    const now = monotonicMs();
    for (const [name, at] of this.#safeAt) if (at <= now) this.#safeAt.delete(name);
    return Math.max(0, (this.#safeAt.get("") ?? now) - now, (this.#safeAt.get(gate) ?? now) - now);
  }

  /** Something is missing after all: it is declared again before it is used again. */
  forget(): void {
    this.#forgotten++;
    this.#levels = 0;
    this.#gates.clear();
  }

  stop(): void {
    this.#stop.abort();
  }

  #has({ gate }: Hold, level: number): boolean {
    if (this.#declaredOn === undefined || this.#declaredOn !== this.#link.current) return false;
    const now = monotonicMs();
    return level <= this.#levels && now - this.#levelsAt < STEPS_AGAIN_MS && now - (this.#gates.get(gate) ?? Number.NEGATIVE_INFINITY) < DECLARE_AGAIN_MS;
  }

  async #declare(hold: Hold, level: number): Promise<void> {
    const link = await this.#link.open();
    if (link !== this.#declaredOn) this.forget();
    const forgotten = this.#forgotten;
    const at = monotonicMs();
    if (at - this.#levelsAt >= STEPS_AGAIN_MS) this.#levels = 0;
    if (this.#levels === 0) {
      await this.#begin(link);
      this.#levelsAt = at;
    }
    const isNew = await Promise.all([hold.gate, stepQueueName(level, 1)].map((queue) => isMissing(link, queue)));
    const missing = Array.from({ length: Math.max(0, level - this.#levels) }, (_, index) => this.#levels + 1 + index);
    await onChannel(link, async (channel) => {
      for (const each of missing) await channel.assertExchange(exchangeOf(each), "topic", { durable: true });
    });
    // A channel does one thing after the other, and making a quorum queue takes a while: levels have channels of their own.
    await Promise.all([
      ...missing.map((each) => onChannel(link, (channel) => declareLevel(channel, each))),
      onChannel(link, (channel) => declareGate(channel, hold)),
    ]);
    const safeAt = monotonicMs() + SAFE_AFTER_MS;
    for (const [index, name] of [hold.gate, ""].entries()) if (isNew[index]) this.#safeAt.set(name, safeAt);
    if (forgotten !== this.#forgotten) return; // and once more
    this.#levels = Math.max(this.#levels, level);
    for (const [gate, then] of this.#gates) if (at - then >= DECLARE_AGAIN_MS) this.#gates.delete(gate);
    this.#gates.set(hold.gate, at);
  }

  /** What comes first on a connection, and what comes after it. */
  async #begin(link: OpenLink): Promise<void> {
    await onChannel(link, declareEnds);
    if (link === this.#declaredOn) return;
    await bringBack(link, this.#rules);
    this.#declaredOn = link;
    link.watch({ onClose: () => void this.#beginAgain() });
  }

  /** Never rejects. */
  async #beginAgain(): Promise<void> {
    const { signal } = this.#stop;
    const begin = async (): Promise<void> => {
      const link = await this.#link.open();
      if (link === this.#declaredOn) return; // somebody publishes, and was here before
      this.forget();
      await this.#begin(link);
    };
    await whileBusy(begin, { ...this.#rules.reconnect, signal, failures: 1, isBusy: () => !signal.aborted }).catch(() => {}); // stopped
  }
}

async function onChannel(link: OpenLink, declare: (channel: Channel) => Promise<void>): Promise<void> {
  const channel = await link.model.createChannel();
  channel.on("error", () => {}); // the declaration rejects
  await declare(channel);
  leaveChannel(channel);
}

async function isMissing(link: OpenLink, queue: string): Promise<boolean> {
  const channel = await link.model.createChannel();
  channel.on("error", () => {}); // a broker that does not know the queue closes the channel
  try {
    await channel.checkQueue(queue);
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 404) return true;
    throw error;
  }
  leaveChannel(channel);
  return false;
}

async function declareLevel(channel: Channel, level: number): Promise<void> {
  const exchange = exchangeOf(level);
  await channel.bindExchange(exchangeOf(level - 1), exchange, pattern(level, "0"));
  const digits = Array.from({ length: BASE - 1 }, (_, index) => index + 1).filter((digit) => digit * unitMs(level) < STEP_EXPIRES_MS);
  await Promise.all(
    digits.map(async (digit) => {
      const queue = stepQueueName(level, digit);
      await channel.assertQueue(queue, {
        durable: true,
        arguments: { "x-message-ttl": digit * unitMs(level), "x-dead-letter-exchange": exchangeOf(level - 1), "x-expires": STEP_EXPIRES_MS, ...CONFIRMING },
      });
      await channel.bindQueue(queue, exchange, pattern(level, String(digit)));
    }),
  );
}
