import type { ByteOutput, Written } from "./byte-output.ts";
import { type ByteWritable, isWebWritable, type NodeWritable, type WebWritable } from "./streams.ts";

/** A stream that somebody else opened. `ends`: closing the output ends it. */
export function streamOutput(stream: ByteWritable, ends: boolean): ByteOutput {
  return isWebWritable(stream) ? new WebOutput(stream, ends) : new NodeOutput(stream, ends);
}

class NodeOutput implements ByteOutput {
  readonly batchBytes: number;
  readonly #stream: NodeWritable;
  readonly #ends: boolean;
  /** A stream's error that nobody listens to would end the process; it is told to who is writing. */
  readonly #onError = (): void => {};
  /** The stream's own code has thrown, in the middle of a write: nothing can be said of the stream from then on. */
  #broken: { readonly error: unknown } | undefined;

  constructor(stream: NodeWritable, ends: boolean) {
    this.#stream = stream;
    this.#ends = ends;
    this.batchBytes = Math.max(stream.writableHighWaterMark ?? 0, 16 * 1024);
    stream.on("error", this.#onError);
  }

  async write(records: readonly Uint8Array[]): Promise<Written> {
    const stream = this.#stream;
    if (this.#broken !== undefined) return { confirmed: 0, unknown: 0, error: this.#broken.error };
    if (stream.writable === false) return { confirmed: 0, unknown: 0, error: stream.errored ?? new Error("the stream has ended") };
    let confirmed = 0;
    let failure: { readonly error: unknown } | undefined;
    // The callbacks wait for what is below the stream, which is more than `drain` says: nothing is written on top of a full buffer.
    await new Promise<void>((resolve) => {
      let left = records.length;
      const onWritten = (error?: Error | null): void => {
        if (error !== undefined && error !== null) failure ??= { error };
        else if (failure === undefined) confirmed++;
        left--;
        if (left === 0) resolve();
      };
      try {
        stream.cork?.();
        for (const record of records) stream.write(record, onWritten);
        stream.uncork?.();
      } catch (error) {
        this.#broken = { error };
        failure ??= this.#broken;
        resolve();
      }
    });
    return failure === undefined ? { confirmed, unknown: 0 } : { confirmed, unknown: records.length - confirmed, error: failure.error };
  }

  async close(): Promise<void> {
    const stream = this.#stream;
    if (this.#ends && stream.writable !== false) await new Promise<void>((resolve) => stream.end(resolve));
    stream.removeListener("error", this.#onError);
  }
}

class WebOutput implements ByteOutput {
  readonly batchBytes: number = 64 * 1024;
  readonly #stream: WebWritable;
  readonly #ends: boolean;
  #writer: ReturnType<WebWritable["getWriter"]> | undefined;

  constructor(stream: WebWritable, ends: boolean) {
    this.#stream = stream;
    this.#ends = ends;
  }

  async write(records: readonly Uint8Array[]): Promise<Written> {
    try {
      this.#writer ??= this.#stream.getWriter();
      await this.#writer.ready;
    } catch (error) {
      return { confirmed: 0, unknown: 0, error };
    }
    const writer = this.#writer;
    const results = await Promise.allSettled(records.map((record) => writer.write(record)));
    const failed = results.findIndex(({ status }) => status === "rejected");
    if (failed === -1) return { confirmed: records.length, unknown: 0 };
    return { confirmed: failed, unknown: records.length - failed, error: (results[failed] as PromiseRejectedResult).reason };
  }

  async close(): Promise<void> {
    if (this.#ends) {
      this.#writer ??= this.#stream.getWriter();
      await this.#writer.close().catch(() => {});
    }
    this.#writer?.releaseLock();
    this.#writer = undefined;
  }
}
