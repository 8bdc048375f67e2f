/**
 * What only one family of brokers knows of a message: bytes and types of its headers, a content type, a priority. It stays with a received
 * message through `copy`, `derive`, dead letters and envelopes, and is written again where the target is of the same family.
 *
 * An adapter gives it as a property of this symbol of what it fetched, of the source or the receipt of a `Received`; it is asked for only
 * when a message is copied or published again. Found by a registered symbol, so that two copies of the library mix.
 */
export interface Native {
  /** `"rabbitmq"`: nobody else understands it. */
  readonly family: string;
  /** All of it, for a way through another broker; `undefined` where there is nothing but id, key, payload and metadata. */
  text(): string | undefined;
}

export const NATIVE: unique symbol = Symbol.for("millrace.native") as never;

export interface WithNative {
  readonly [NATIVE]?: Native | undefined;
}

export function nativeOf(message: object): Native | undefined {
  return (message as WithNative)[NATIVE];
}

/** The same object, which has it from here on. */
export function withNative<M extends object>(message: M, native: Native | undefined): M {
  return native === undefined ? message : Object.defineProperty(message, NATIVE, { value: native });
}

/** Every object of a class has what its receipt has, or its source. */
export function nativeOfFetched(prototype: { readonly receipt: unknown; readonly content: object }): void {
  Object.defineProperty(prototype, NATIVE, {
    get(this: typeof prototype): Native | undefined {
      const { receipt, content } = this;
      return (typeof receipt === "object" && receipt !== null ? nativeOf(receipt) : undefined) ?? nativeOf(content);
    },
  });
}

const NO_PAYLOAD_KEY: unique symbol = Symbol.for("millrace.noPayload") as never;
const shared = globalThis as { [NO_PAYLOAD_KEY]?: Uint8Array };

/** The payload of a message that has none, which is more than an empty one: a tombstone. It is told by identity, so it goes through `copy` and decorators. */
export const NO_PAYLOAD: Uint8Array = (shared[NO_PAYLOAD_KEY] ??= new Uint8Array(0));
