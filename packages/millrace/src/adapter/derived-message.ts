import type { ContextKey } from "../message/context-key.ts";
import { dueAtOf } from "../message/due-at.ts";
import { IN_HAND, type InHand, inHandOf } from "../message/in-hand.ts";
import type { Delivery, DerivedChanges, Message, MessageOptions, Metadata, NackOptions, ReceivedMessage, StandardSchema, Verdict } from "../message/index.ts";
import { copyMessage, payloadJson, payloadJsonAsync, payloadText } from "../message/message.ts";
import { TextMap } from "../message/metadata.ts";
import { NATIVE, type Native, nativeOf } from "../message/native.ts";

/** A view of a received message with another signal, metadata, context or handler; id, payload and verdict are the base's. */
export class DerivedMessage implements ReceivedMessage {
  readonly #base: ReceivedMessage;
  readonly #inHand: InHand | undefined;
  readonly #changes: DerivedChanges;
  #metadata: TextMap | undefined;

  constructor(base: ReceivedMessage, changes: DerivedChanges) {
    this.#base = base;
    this.#inHand = inHandOf(base);
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
    return this.#base.delivery;
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

  /** What stands behind it, for its prototype's property of that name. */
  static inHandOf(view: DerivedMessage): InHand | undefined {
    return view.#inHand;
  }

  /** What only its broker knows of it, likewise. */
  static nativeOf(view: DerivedMessage): Native | undefined {
    return nativeOf(view.#base);
  }
}

Object.defineProperty(DerivedMessage.prototype, IN_HAND, {
  get(this: DerivedMessage): InHand | undefined {
    return DerivedMessage.inHandOf(this);
  },
});

Object.defineProperty(DerivedMessage.prototype, NATIVE, {
  get(this: DerivedMessage): Native | undefined {
    return DerivedMessage.nativeOf(this);
  },
});
