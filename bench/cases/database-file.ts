import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A database file in a folder of its own, gone with all that SQLite put beside it. */
export class DatabaseFile {
  readonly folder: string = mkdtempSync(join(tmpdir(), "millrace-bench-"));
  readonly path: string = join(this.folder, "bench.db");

  /** What a write of 4 KiB and its sync cost here, in milliseconds, in the median. */
  syncMs(): number {
    const file = openSync(join(this.folder, "sync"), "w");
    const page = new Uint8Array(4096);
    const taken: number[] = [];
    for (let count = 0; count < 51; count++) {
      const began = performance.now();
      writeSync(file, page);
      fdatasyncSync(file);
      taken.push(performance.now() - began);
    }
    closeSync(file);
    return taken.sort((one, other) => one - other)[25] as number;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
