import type { ContextKey } from "../message/context-key.ts";
import type { MessageDoors, Taker } from "../message/doors.ts";
import { dueAtOf } from "../message/due-at.ts";
import type { Delivery, DerivedChanges, Message, MessageOptions, Metadata, NackOptions, ReceivedMessage, StandardSchema, Verdict } from "../message/index.ts";
import { copyMessage, payloadJson, payloadJsonAsync, payloadText } from "../message/message.ts";
import { TextMap } from "../message/metadata.ts";

/** A view of a received message with another signal, metadata, context or handler; id, payload and verdict are the base's. */
export class DerivedMessage implements ReceivedMessage {
  readonly #base: ReceivedMessage;
  readonly #changes: DerivedChanges;
  #metadata: TextMap | undefined;
  #taker: Taker | undefined;

  constructor(base: ReceivedMessage, changes: DerivedChanges) {
    this.#base = base;
    this.#changes = changes;
    this.#metadata = changes.metadata === undefined ? undefined : new TextMap(changes.metadata);
  }

  get id(): string {
    return this.#base.id;
  }

  get key(): string | undefined {
    return this.#base.key;
  }

  get keyBytes(): Uint8Array | undefined {
    return this.#base.keyBytes;
  }

  get dueAt(): Date | undefined {
    return dueAtOf(this.metadata);
  }

  get topic(): string | undefined {
    return this.#base.topic;
  }

  get payload(): Uint8Array {
    return this.#base.payload;
  }

  get metadata(): Metadata {
    return this.#metadata ?? this.#base.metadata;
  }

  get delivery(): Delivery {
    const known = this.#base.delivery;
    return this.#taker === undefined ? known : { ...known, handler: this.#taker.handler, publishTopic: this.#taker.publishTopic };
  }

  get signal(): AbortSignal {
    return this.#changes.signal ?? this.#base.signal;
  }

  get settled(): Promise<Verdict> {
    return this.#base.settled;
  }

  ack(): boolean {
    return this.#base.ack();
  }

  nack(options?: NackOptions): boolean {
    return this.#base.nack(options);
  }

  get<T>(key: ContextKey<T>): T | undefined {
    const own = this.#changes.context?.findLast(([known]) => known === key);
    return own === undefined ? this.#base.get(key) : (own[1] as T);
  }

  derive(changes: DerivedChanges): ReceivedMessage {
    return new DerivedMessage(this, changes);
  }

  text(): string {
    return payloadText(this.payload);
  }

  json(): unknown;
  json<Output>(schema: StandardSchema<unknown, Output>): Output;
  json(schema?: StandardSchema<unknown, unknown>): unknown {
    return payloadJson(this, schema);
  }

  jsonAsync<Output>(schema: StandardSchema<unknown, Output>): Promise<Output> {
    return payloadJsonAsync(this, schema);
  }

  copy(changes?: MessageOptions): Message {
    return copyMessage(this, changes);
  }

  "millrace.takenBy"(taker: Taker): void {
    const base = this.#base as ReceivedMessage & MessageDoors;
    if (base["millrace.takenBy"] !== undefined) base["millrace.takenBy"](taker);
    else this.#taker = taker;
  }

  get verdict(): Verdict | undefined {
    return (this.#base as ReceivedMessage & MessageDoors).verdict;
  }

  "millrace.ended"(reason?: unknown): void {
    (this.#base as ReceivedMessage & MessageDoors)["millrace.ended"]?.(reason);
  }

  "millrace.redeliverAfter"(delayMs: number): boolean {
    return (this.#base as ReceivedMessage & MessageDoors)["millrace.redeliverAfter"]?.(delayMs) ?? false;
  }

  get "millrace.redeliveryDelayMs"(): number | undefined {
    return (this.#base as ReceivedMessage & MessageDoors)["millrace.redeliveryDelayMs"];
  }

  get "millrace.overtaken"(): boolean {
    return (this.#base as ReceivedMessage & MessageDoors)["millrace.overtaken"] === true;
  }

  "millrace.handBack"(): boolean {
    const base = this.#base as ReceivedMessage & MessageDoors;
    return base["millrace.handBack"] === undefined ? base.nack() : base["millrace.handBack"]();
  }
}
