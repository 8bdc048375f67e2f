import { silentLogger } from "../logger/index.ts";
import type { MaybePromise, ReceivedMessage, SubscribeOptions } from "../message/index.ts";
import { TextMap } from "../message/metadata.ts";
import { AdapterSubscription } from "./adapter-subscription.ts";
import { Received } from "./received.ts";
import type { AdapterSettings } from "./settings.ts";
import type { Intake, Session, Settlement, Source } from "./source.ts";

export interface HandMessage {
  readonly id: string;
  /** Its place at the broker. Default: the id; `null` for none. */
  readonly place?: string | null;
  readonly key?: string;
  readonly payload?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** One session of a source that a test drives by hand. */
export class HandSession implements Session<string> {
  readonly intake: Intake<string>;
  readonly wants: number[] = [];
  readonly settled: { readonly verdicts: readonly Settlement<string>[]; readonly final: boolean }[] = [];
  readonly givenBack: Received<string>[] = [];
  readonly lost: Set<string> = new Set();
  closed = 0;
  #answered = 0;
  #next = 0;
  onSettle: (final: boolean) => MaybePromise<void> = () => {};
  onClose: () => MaybePromise<void> = () => {};

  constructor(intake: Intake<string>) {
    this.intake = intake;
  }

  /** What is asked for now. */
  get wanted(): number {
    return this.wants.at(-1) ?? 0;
  }

  deliver(...messages: (string | HandMessage)[]): void {
    for (const given of messages) {
      const { id, place = id, key, payload = id, metadata } = typeof given === "string" ? ({ id: given } as HandMessage) : given;
      const fetched = {
        source: { id },
        key,
        payload: new TextEncoder().encode(payload),
        metadata: metadata === undefined ? undefined : new TextMap(metadata),
      };
      this.intake.deliver(new Received(fetched, place ?? ""));
    }
  }

  /** Delivers all that was asked for since the last time, ids counting up from 0. */
  answer(payload?: string): void {
    while (this.#answered < this.wants.length) {
      for (let left = this.wants[this.#answered++] as number; left > 0; left--) this.deliver({ id: String(this.#next++), payload });
    }
  }

  /** `"ack a"`, `"return b"`, … by place (by payload where there is none), in the order in which they arrived. */
  get told(): string[] {
    return this.settled.flatMap(({ verdicts }) => verdicts.map(({ kind, message }) => `${kind} ${message.receipt === "" ? message.text() : message.receipt}`));
  }

  want(count: number): void {
    this.wants.push(count);
  }

  async settle(verdicts: readonly Settlement<string>[], final: boolean): Promise<void> {
    await this.onSettle(final);
    if (verdicts.length > 0) this.settled.push({ verdicts, final });
  }

  giveBack(messages: readonly Received<string>[]): void {
    this.givenBack.push(...messages);
  }

  holds(message: Received<string>): boolean {
    return !this.lost.has(message.receipt);
  }

  describe({ receipt }: Received<string>): { position: string | undefined } {
    return { position: receipt === "" ? undefined : `at-${receipt}` };
  }

  async close(): Promise<void> {
    this.closed++;
    await this.onClose();
  }
}

/** A source without a broker: a test opens, breaks and feeds its sessions. */
export class HandSource implements Source<string> {
  readonly sessions: HandSession[] = [];
  /** Thrown by the next opens, first come first served. */
  readonly openErrors: unknown[] = [];

  open(intake: Intake<string>): HandSession {
    if (this.openErrors.length > 0) throw this.openErrors.shift();
    const session = new HandSession(intake);
    this.sessions.push(session);
    return session;
  }

  get session(): HandSession {
    const last = this.sessions.at(-1);
    if (last === undefined) throw new Error("no session is open");
    return last;
  }

  async subscribe(options: SubscribeOptions = {}, settings: Partial<AdapterSettings> = {}, onClosed?: () => void): Promise<AdapterSubscription<string>> {
    const known: AdapterSettings = { adapter: "hand", logger: silentLogger, reconnect: { minDelayMs: 1, maxDelayMs: 4 }, ...settings };
    return await new AdapterSubscription<string>({ topic: "orders", options, settings: known, source: this, onClosed }).start();
  }
}

/** Reads on; fails the test when the iteration is over. */
export async function nextOf(iterator: AsyncIterator<ReceivedMessage>): Promise<ReceivedMessage> {
  const step = await iterator.next();
  if (step.done) throw new Error("the iteration is over");
  return step.value;
}

/** What can be had without waiting for the broker or for time to pass. */
export async function readyNow(iterator: AsyncIterator<ReceivedMessage>): Promise<ReceivedMessage | undefined> {
  const next = iterator.next();
  const none = new Promise<undefined>((resolve) => setImmediate(() => setImmediate(() => resolve(undefined))));
  const step = await Promise.race([next, none]);
  if (step === undefined) {
    await iterator.return?.();
    return undefined;
  }
  return step.done ? undefined : step.value;
}
