import { type FileHandle, open } from "node:fs/promises";
import type { ByteOutput, Written } from "./byte-output.ts";

/** Appends to a file, which is made when the first record is written. */
export class FileOutput implements ByteOutput {
  readonly batchBytes: number = 1024 * 1024;
  readonly #path: string;
  readonly #sync: boolean;
  #handle: FileHandle | undefined;

  constructor(path: string, sync: boolean) {
    this.#path = path;
    this.#sync = sync;
  }

  async write(records: readonly Uint8Array[]): Promise<Written> {
    let handle: FileHandle;
    try {
      this.#handle ??= await open(this.#path, "a");
      handle = this.#handle;
    } catch (error) {
      return { confirmed: 0, unknown: 0, error };
    }
    const bytes = records.length === 1 ? (records[0] as Uint8Array) : Buffer.concat(records);
    let done = 0;
    try {
      while (done < bytes.length) done += (await handle.write(bytes, done)).bytesWritten;
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

  /** Takes half a record off the end again, so that the next one does not run into it. */
  async #repair(handle: FileHandle, records: readonly Uint8Array[], done: number, error: unknown): Promise<Written> {
    let confirmed = 0;
    let whole = 0;
    for (; confirmed < records.length && whole + (records[confirmed] as Uint8Array).length <= done; confirmed++)
      whole += (records[confirmed] as Uint8Array).length;
    if (whole === done) return { confirmed, unknown: 0, error };
    try {
      await handle.truncate((await handle.stat()).size - (done - whole));
      return { confirmed, unknown: 0, error };
    } catch {
      return { confirmed, unknown: 1, error };
    }
  }
}
