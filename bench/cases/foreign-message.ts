import {
  type ContextKey,
  type DerivedChanges,
  Message,
  type MessageOptions,
  type NackOptions,
  type ReceivedMessage,
  type StandardSchema,
  type Verdict,
} from "millrace";

const PAYLOAD = new Uint8Array(16);
const NEVER = new AbortController().signal;

/** The verdict, shared by a message and its views. */
class Hand {
  verdict: Verdict | undefined = undefined;
  #tell: ((verdict: Verdict) => void) | undefined;
  #settled: Promise<Verdict> | undefined;

  get settled(): Promise<Verdict> {
    this.#settled ??= this.verdict === undefined ? new Promise((resolve) => (this.#tell = resolve)) : Promise.resolve(this.verdict);
    return this.#settled;
  }

  settle(verdict: Verdict): boolean {
    if (this.verdict !== undefined) return this.verdict === verdict;
    this.verdict = verdict;
    this.#tell?.(verdict);
    return true;
  }
}

/** A received message by the contract alone, as somebody writes it who knows nothing of `millrace/adapter`; and as little as can be. */
export class ForeignMessage implements ReceivedMessage {
  readonly id: string;
  readonly key: undefined;
  readonly keyBytes: undefined;
  readonly dueAt: undefined;
  readonly topic: undefined;
  readonly payload: Uint8Array = PAYLOAD;
  readonly #delivered: string;
  readonly #hand: Hand;
  readonly #changes: DerivedChanges | undefined;
  #plain: Message | undefined;

  constructor(id: string, delivered: string, hand: Hand = new Hand(), changes?: DerivedChanges) {
    this.id = id;
    this.#delivered = delivered;
    this.#hand = hand;
    this.#changes = changes;
  }

  get metadata(): Message["metadata"] {
    return this.#message().metadata;
  }

  get delivery(): ReceivedMessage["delivery"] {
    return { topic: this.#delivered, attempt: 1, position: this.id };
  }

  get signal(): AbortSignal {
    return this.#changes?.signal ?? NEVER;
  }

  get settled(): Promise<Verdict> {
    return this.#hand.settled;
  }

  ack(): boolean {
    return this.#hand.settle("acked");
  }

  nack(_options?: NackOptions): boolean {
    return this.#hand.settle("nacked");
  }

  get<T>(key: ContextKey<T>): T | undefined {
    return this.#changes?.context?.find(([name]) => name === key)?.[1] as T | undefined;
  }

  derive(changes: DerivedChanges): ForeignMessage {
    const context = [...(changes.context ?? []), ...(this.#changes?.context ?? [])];
    return new ForeignMessage(this.id, this.#delivered, this.#hand, { ...this.#changes, ...changes, context });
  }

  text(): string {
    return this.#message().text();
  }

  json(): unknown;
  json<Output>(schema: StandardSchema<unknown, Output>): Output;
  json(schema?: StandardSchema<unknown>): unknown {
    return schema === undefined ? this.#message().json() : this.#message().json(schema);
  }

  jsonAsync<Output>(schema: StandardSchema<unknown, Output>): Promise<Output> {
    return this.#message().jsonAsync(schema);
  }

  copy(changes?: MessageOptions): Message {
    return this.#message().copy(changes);
  }

  #message(): Message {
    this.#plain ??= new Message(this.payload, { id: this.id, metadata: this.#changes?.metadata });
    return this.#plain;
  }
}
