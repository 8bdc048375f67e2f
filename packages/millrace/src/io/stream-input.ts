import { type Deferred, deferred } from "../internal/deferred.ts";
import { nextTurn } from "../internal/slice.ts";
import type { ByteInput } from "./byte-input.ts";
import { type ByteReadable, isNodeReadable, isWebReadable, type NodeReadable, type WebReadable } from "./streams.ts";

/** Pulls the next chunk; `undefined` at the end. */
interface Puller {
  pull(): Promise<unknown>;
  /** Lets go of the stream without ending it. */
  leave(): void | Promise<void>;
}

/** The bytes of a stream that somebody else opened and will close. Reads only when asked, so the stream's own back-pressure works. */
export class StreamInput implements ByteInput {
  readonly start = 0;
  readonly #stream: ByteReadable;
  #puller: Puller | undefined;
  #pending: Promise<Uint8Array | "end"> | undefined;

  constructor(stream: ByteReadable) {
    this.#stream = stream;
  }

  async open(): Promise<void> {
    this.#puller ??= isNodeReadable(this.#stream)
      ? new NodePuller(this.#stream)
      : isWebReadable(this.#stream)
        ? webPuller(this.#stream)
        : iteratorPuller(this.#stream);
  }

  read(): Promise<Uint8Array | "end"> {
    this.#pending ??= this.#next();
    return this.#pending;
  }

  taken(): void {
    this.#pending = undefined;
  }

  async close(): Promise<void> {}

  /** Nobody will read any more. */
  async leave(): Promise<void> {
    await this.#puller?.leave();
  }

  async #next(): Promise<Uint8Array | "end"> {
    for (;;) {
      const chunk = await this.#puller?.pull();
      if (chunk === undefined || chunk === null) return "end";
      const bytes = bytesOf(chunk);
      if (bytes.length > 0) return bytes;
    }
  }
}

function bytesOf(chunk: unknown): Uint8Array {
  if (typeof chunk === "string") return Buffer.from(chunk);
  if (chunk instanceof Uint8Array) return chunk;
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  throw new TypeError(`the stream gave ${typeof chunk} where bytes or a text are needed`);
}

/** By events rather than by iteration: an iterator's pending read would keep `process.stdin`, and with it the process, alive. */
class NodePuller implements Puller {
  readonly #stream: NodeReadable;
  #bell: Deferred<void> = deferred();
  #ended: boolean;
  #closed: boolean;
  #error: { readonly error: unknown } | undefined;

  constructor(stream: NodeReadable) {
    this.#stream = stream;
    this.#ended = stream.readableEnded === true;
    this.#closed = stream.destroyed === true;
    if (stream.errored !== undefined && stream.errored !== null) this.#error = { error: stream.errored };
    stream.on("readable", this.#ring);
    stream.on("end", this.#onEnd);
    stream.on("close", this.#onClose);
    stream.on("error", this.#onError);
  }

  async pull(): Promise<unknown> {
    for (;;) {
      const chunk = this.#stream.read();
      if (chunk !== null && chunk !== undefined) return chunk;
      if (this.#ended) return undefined;
      if (this.#error !== undefined) throw this.#error.error;
      if (this.#closed) throw new Error("the stream closed before its end");
      await this.#bell.promise;
      this.#bell = deferred();
    }
  }

  async leave(): Promise<void> {
    for (const [event, listener] of [
      ["readable", this.#ring],
      ["end", this.#onEnd],
      ["close", this.#onClose],
      ["error", this.#onError],
    ] as const)
      this.#stream.removeListener(event, listener);
    // A stream takes note of its last reader's leaving in a later turn; only then does pausing stop what is below it.
    await nextTurn();
    if (this.#stream.readableFlowing !== true) this.#stream.pause?.();
  }

  readonly #ring = (): void => this.#bell.resolve();
  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#ring();
  };
  readonly #onClose = (): void => {
    this.#closed = true;
    this.#ring();
  };
  readonly #onError = (error?: unknown): void => {
    this.#error ??= { error };
    this.#ring();
  };
}

function webPuller(stream: WebReadable): Puller {
  const reader = stream.getReader();
  return {
    async pull() {
      const { done, value } = await reader.read();
      return done ? undefined : value;
    },
    leave: () => reader.releaseLock(),
  };
}

function iteratorPuller(stream: AsyncIterable<Uint8Array | string>): Puller {
  const iterator = stream[Symbol.asyncIterator]();
  return {
    async pull() {
      const step = await iterator.next();
      return step.done === true ? undefined : step.value;
    },
    leave: () => void iterator.return?.().then(undefined, () => {}),
  };
}
