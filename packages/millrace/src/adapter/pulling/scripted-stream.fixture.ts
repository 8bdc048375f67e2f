import { vi } from "vitest";
import { MillraceError } from "../../errors/index.ts";
import { monotonicMs } from "../../internal/timers.ts";
import { silentLogger } from "../../logger/index.ts";
import type { ReceivedMessage, SubscribeOptions } from "../../message/index.ts";
import { AdapterSubscription } from "../adapter-subscription.ts";
import { nextOf } from "../hand-source.fixture.ts";
import { Received } from "../received.ts";
import type { AdapterSettings } from "../settings.ts";
import type { Settlement } from "../source.ts";
import type { Lot } from "./lot.ts";
import { type PullRules, PullSource } from "./pull-source.ts";
import type { PullAsk, PullDesk, PullEntry, PullLease, PullTarget } from "./pull-target.ts";

export class StreamEntry implements PullEntry {
  lot: Lot | undefined = undefined;
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A broker that lends its entries, named by their texts, in the manner of Redis Streams: what was given back has to be claimed. */
export class Stream {
  readonly leaseMs: number;
  readonly fresh: string[] = [];
  /** Who has what, until when; nobody: it was given back. */
  readonly lent: Map<string, { readonly member: StreamMember | undefined; untilMs: number }> = new Map();
  readonly acked: string[] = [];
  readonly members: StreamMember[] = [];

  constructor(leaseMs: number = Infinity) {
    this.leaseMs = leaseMs;
  }

  add(...texts: string[]): void {
    this.fresh.push(...texts);
    for (const { arrived } of this.members) arrived();
  }

  /** Whose lease is over, and what was given back, oldest first. */
  free(): string[] {
    return [...this.lent].filter(([, { member, untilMs }]) => member === undefined || untilMs <= monotonicMs()).map(([text]) => text);
  }

  lend(texts: readonly string[], member: StreamMember): StreamEntry[] {
    for (const text of texts) this.lent.set(text, { member, untilMs: monotonicMs() + this.leaseMs });
    return texts.map((text) => new StreamEntry(text));
  }

  /** As `of`, without those that another has by now. */
  ownedBy(member: StreamMember, entries: readonly StreamEntry[]): StreamEntry[] {
    return entries.filter(({ text }) => this.lent.get(text)?.member === member);
  }
}

/** A member of the group, and what a test does to it. */
export class StreamMember implements PullTarget<StreamEntry, PullDesk<StreamEntry>> {
  readonly stream: Stream;
  readonly lease: PullLease<StreamEntry, unknown> | undefined;
  readonly calls: string[] = [];
  readonly desks: PullDesk<StreamEntry>[] = [];
  readonly lost: string[] = [];
  connects = 0;
  disconnected = 0;
  /** The broker cannot be reached. */
  down = false;
  /** How many more than were asked for come. */
  excess = 0;
  /** Awaited before an answer is given. */
  gates: Partial<Record<"fetch" | "claim" | "settle" | "release" | "renew", Promise<unknown>>> = {};
  arrived: () => void = () => {};

  constructor(stream: Stream) {
    this.stream = stream;
    stream.members.push(this);
    this.lease = stream.leaseMs === Infinity ? undefined : { ms: stream.leaseMs, renew: (_link, entries) => this.#renew(entries) };
  }

  get desk(): PullDesk<StreamEntry> {
    return this.desks.at(-1) as PullDesk<StreamEntry>;
  }

  async connect(desk: PullDesk<StreamEntry>): Promise<PullDesk<StreamEntry>> {
    this.connects++;
    this.#check();
    this.desks.push(desk);
    return desk;
  }

  disconnect(): void {
    this.disconnected++;
  }

  async fetch(_desk: unknown, { count, waitMs, signal }: PullAsk): Promise<readonly StreamEntry[]> {
    await this.#called("fetch", count);
    if (this.stream.fresh.length === 0) await this.#arrival(waitMs, signal);
    this.#check();
    return this.stream.lend(this.stream.fresh.splice(0, signal.aborted ? 0 : count + this.excess), this);
  }

  async claim(_desk: unknown, { count }: { readonly count: number }): Promise<readonly StreamEntry[]> {
    await this.#called("claim", count);
    return this.stream.lend(this.stream.free().slice(0, count), this);
  }

  async settle(_desk: unknown, verdicts: readonly Settlement<StreamEntry>[]): Promise<readonly StreamEntry[]> {
    if (verdicts.length > 0) await this.#called("settle", verdicts.map(({ kind, message }) => `${kind} ${message.receipt.text}`).join(", "));
    const entries = verdicts.map(({ message }) => message.receipt);
    const ours = this.stream.ownedBy(this, entries);
    for (const { text } of ours) {
      this.stream.lent.delete(text);
      this.stream.acked.push(text);
    }
    return entries.filter((entry) => !ours.includes(entry));
  }

  async release(_desk: unknown, messages: readonly Received<StreamEntry>[]): Promise<void> {
    await this.#called("release", messages.map(({ receipt }) => receipt.text).join(" "));
    const ours = this.stream.ownedBy(
      this,
      messages.map(({ receipt }) => receipt),
    );
    for (const { text } of ours) this.stream.lent.set(text, { member: undefined, untilMs: 0 });
  }

  onLost(entries: readonly StreamEntry[]): void {
    this.lost.push(...entries.map(({ text }) => text));
  }

  receive(entry: StreamEntry): Received<StreamEntry> {
    if (entry.text.startsWith("bad")) throw new Error("not ours");
    return new Received({ source: { id: entry.text }, key: undefined, payload: new TextEncoder().encode(entry.text), metadata: undefined }, entry);
  }

  raw({ text }: StreamEntry): { readonly position: string; readonly payload: Uint8Array } {
    return { position: text, payload: new TextEncoder().encode(text) };
  }

  async subscribe(options: SubscribeOptions = {}, settings: Partial<AdapterSettings> = {}, rules?: PullRules): Promise<StreamReader> {
    const known: AdapterSettings = {
      adapter: "stream",
      logger: silentLogger,
      leaseMs: this.stream.leaseMs,
      reconnect: { minDelayMs: 10, maxDelayMs: 10 },
      ...settings,
    };
    const source = new PullSource(this, rules);
    const subscription = await new AdapterSubscription<StreamEntry>({ topic: "orders", options, settings: known, source }).start();
    return new StreamReader(subscription);
  }

  async #renew(entries: readonly StreamEntry[]): Promise<readonly StreamEntry[]> {
    await this.#called("renew", entries.map(({ text }) => text).join(" "));
    const ours = this.stream.ownedBy(this, entries);
    this.stream.lend(
      ours.map(({ text }) => text),
      this,
    );
    return entries.filter((entry) => !ours.includes(entry));
  }

  async #called(name: keyof StreamMember["gates"], what: unknown): Promise<void> {
    this.calls.push(`${name} ${what}`);
    await this.gates[name];
    this.#check();
  }

  #check(): void {
    if (this.down) throw new MillraceError("nobody answers", { code: "BROKER_UNREACHABLE", retryable: true });
  }

  /** Resolves when something comes, when nobody wants it any more, or in time. */
  #arrival(waitMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, waitMs);
      function done(): void {
        clearTimeout(timer);
        resolve();
      }
      this.arrived = done;
      signal.addEventListener("abort", done, { once: true });
    });
  }
}

/** A subscription, and what was read of it. */
export class StreamReader {
  readonly subscription: AdapterSubscription<StreamEntry>;
  readonly messages: ReceivedMessage[] = [];

  constructor(subscription: AdapterSubscription<StreamEntry>) {
    this.subscription = subscription;
  }

  get texts(): string[] {
    return this.messages.map((message) => message.text());
  }

  /** Reads on until so many are in hand; the last one of them. */
  async read(count = 1): Promise<ReceivedMessage> {
    const iterator = this.subscription[Symbol.asyncIterator]();
    let last: ReceivedMessage | undefined;
    for (let left = count; left > 0; left--) this.messages.push((last = await soon(nextOf(iterator))));
    await iterator.return?.();
    return last as ReceivedMessage;
  }

  /** Begins to read without an end. */
  readAll(onMessage: (message: ReceivedMessage) => void = () => {}): this {
    void (async () => {
      for await (const message of this.subscription) {
        this.messages.push(message);
        onMessage(message);
      }
    })();
    return this;
  }
}

/** Lets a little virtual time pass for it: less than any lease of the tests. */
export async function soon<T>(promise: Promise<T>): Promise<T> {
  let done = false;
  const end = (): void => void (done = true);
  promise.then(end, end);
  for (let turn = 0; turn < 20 && !done; turn++) await vi.advanceTimersByTimeAsync(1);
  if (!done) throw new Error("it does not come");
  return await promise;
}
