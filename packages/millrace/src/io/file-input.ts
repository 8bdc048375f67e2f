import { type FileHandle, open, stat } from "node:fs/promises";
import { sleep } from "../internal/timers.ts";
import type { ByteInput, InputEvent } from "./byte-input.ts";

const CHUNK_BYTES = 64 * 1024;

interface FileIdentity {
  readonly dev: number;
  readonly ino: number;
}

export interface FileInputOptions {
  readonly path: string;
  /** Waits at the end for more, as `tail -F` does. */
  readonly follow: boolean;
  readonly pollMs: number;
  /** A byte offset, or the end there is when it is opened first. */
  readonly from: number | "end";
}

/**
 * The bytes of a file; followed, also when it does not exist yet, is emptied, or is moved away and made anew. One that was moved away while
 * it was not open is left behind, with what was not read of it.
 */
export class FileInput implements ByteInput {
  readonly #options: FileInputOptions;
  #start: number | undefined;
  #handle: FileHandle | undefined;
  /** Which file it is, whatever its name. */
  #file: FileIdentity | undefined;
  #position = 0;
  #pending: Promise<Uint8Array | InputEvent> | undefined;
  #stop = new AbortController();

  constructor(options: FileInputOptions) {
    this.#options = options;
    if (options.from !== "end") this.#start = options.from;
    this.#position = this.#start ?? 0;
  }

  get start(): number {
    return this.#start ?? 0;
  }

  async open(): Promise<void> {
    this.#stop = new AbortController();
    const before = this.#file;
    await this.#tryOpen();
    if (before !== undefined && this.#handle !== undefined && !isSame(before, this.#file)) {
      this.#position = 0;
      this.#pending ??= Promise.resolve("truncated");
    }
    if (this.#start !== undefined) return;
    this.#start = this.#handle === undefined ? 0 : (await this.#handle.stat()).size;
    this.#position = this.#start;
  }

  read(): Promise<Uint8Array | InputEvent> {
    this.#pending ??= this.#next();
    return this.#pending;
  }

  taken(): void {
    this.#pending = undefined;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    const answer = await this.#pending?.catch(() => undefined);
    // Nobody took it: bytes are read again after the next open, an event is told again.
    if (answer instanceof Uint8Array) this.#position -= answer.length;
    this.#pending = typeof answer === "string" ? Promise.resolve(answer) : undefined;
    await this.#handle?.close();
    this.#handle = undefined;
  }

  async #next(): Promise<Uint8Array | InputEvent> {
    const { follow, pollMs } = this.#options;
    for (;;) {
      const bytes = await this.#readOn();
      if (bytes !== undefined) return bytes;
      if (!follow) return "end";
      const event = await this.#lookForAnother();
      if (event !== undefined) return event;
      await sleep(pollMs, this.#stop.signal);
    }
  }

  async #readOn(): Promise<Uint8Array | undefined> {
    if (this.#handle === undefined) return undefined;
    const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    const { bytesRead } = await this.#handle.read(buffer, 0, CHUNK_BYTES, this.#position);
    if (bytesRead === 0) return undefined;
    this.#position += bytesRead;
    // Records are views of the chunk: a short one must not keep a long buffer alive.
    return bytesRead * 4 < CHUNK_BYTES ? Uint8Array.prototype.slice.call(buffer, 0, bytesRead) : buffer.subarray(0, bytesRead);
  }

  async #lookForAnother(): Promise<InputEvent | Uint8Array | undefined> {
    const handle = this.#handle;
    if (handle === undefined) {
      await this.#tryOpen();
      return this.#handle === undefined ? undefined : await this.#readOn();
    }
    if ((await handle.stat()).size < this.#position) {
      this.#position = 0;
      return "truncated";
    }
    const named = await stat(this.#options.path).catch(ifMissing);
    if (named === undefined || isSame(named, this.#file)) return undefined;
    // Moved away: what was written to the old file up to now comes first.
    const last = await this.#readOn();
    if (last !== undefined) return last;
    await handle.close();
    this.#handle = undefined;
    this.#file = undefined;
    this.#position = 0;
    await this.#tryOpen();
    return "rotated";
  }

  async #tryOpen(): Promise<void> {
    const handle = await open(this.#options.path, "r").catch((error: unknown) => {
      if (this.#options.follow) return ifMissing(error);
      throw error;
    });
    if (handle === undefined) return;
    this.#handle = handle;
    const { dev, ino } = await handle.stat();
    this.#file = { dev, ino };
  }
}

function isSame(one: FileIdentity, other: FileIdentity | undefined): boolean {
  return one.ino === other?.ino && one.dev === other.dev;
}

function ifMissing(error: unknown): undefined {
  if ((error as { code?: unknown } | null)?.code === "ENOENT") return undefined;
  throw error;
}
