import { type FileHandle, open } from "node:fs/promises";
import type { ByteOutput, Written } from "./byte-output.ts";

/** Appends to a file, which is made when the first record is written. */
export class FileOutput implements ByteOutput {
  readonly batchBytes: number = 1024 * 1024;
  readonly #path: string;
  readonly #sync: boolean;
  #handle: FileHandle | undefined;
  /** How long the file is if nobody else writes to it. */
  #size = 0;

  constructor(path: string, sync: boolean) {
    this.#path = path;
    this.#sync = sync;
  }

  async write(records: readonly Uint8Array[]): Promise<Written> {
    let handle: FileHandle;
    try {
      handle = await this.#open();
    } catch (error) {
      return { confirmed: 0, unknown: 0, error };
    }
    const bytes = records.length === 1 ? (records[0] as Uint8Array) : Buffer.concat(records);
    let done = 0;
    try {
      while (done < bytes.length) done += (await handle.write(bytes, done)).bytesWritten;
      this.#size += done;
    } catch (error) {
      return await this.#repair(handle, records, done, error);
    }
    try {
      if (this.#sync) await handle.datasync();
      return { confirmed: records.length, unknown: 0 };
    } catch (error) {
      return { confirmed: 0, unknown: records.length, error };
    }
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }

  async #open(): Promise<FileHandle> {
    if (this.#handle !== undefined) return this.#handle;
    const handle = await open(this.#path, "a");
    this.#size = (await handle.stat()).size;
    this.#handle = handle;
    return handle;
  }

  /** Takes half a record off the end again, so that the next one does not run into it; not where another writer may have come behind it. */
  async #repair(handle: FileHandle, records: readonly Uint8Array[], done: number, error: unknown): Promise<Written> {
    let confirmed = 0;
    let whole = 0;
    for (const { length } of records) {
      if (whole + length > done) break;
      whole += length;
      confirmed++;
    }
    const torn = done - whole;
    const size = this.#size + done;
    this.#size = size;
    if (torn === 0) return { confirmed, unknown: 0, error };
    try {
      if ((await handle.stat()).size !== size) return { confirmed, unknown: 1, error };
      await handle.truncate(size - torn);
      this.#size = size - torn;
      return { confirmed, unknown: 0, error };
    } catch {
      return { confirmed, unknown: 1, error };
    }
  }
}
