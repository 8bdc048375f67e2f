import { DatabaseSync } from "node:sqlite";
import type { Case } from "../harness/case.ts";
import { DatabaseFile } from "./database-file.ts";
import { fill } from "./filled.ts";
import { type ConsumeSettings, PRAGMAS } from "./sqlite-settings.ts";
import { Stopwatch } from "./stopwatch.ts";

type Row = readonly [offset: number, id: string, createdAt: string, payload: Uint8Array, metadata: string | null];

/**
 * The driver alone on the very tables we fill: a transaction a batch that saves the position of the batch before and reads the next;
 * metadata decoded, one call of a handler for each message. The same reading statement as ours, which spares both the decoding of `{}`.
 */
export const run: Case<ConsumeSettings> = async ({ count, warmUp, bytes, batch = 1000 }) => {
  const file = new DatabaseFile();
  try {
    await fill(file.path, "warm-up", warmUp, bytes);
    await fill(file.path, "topic", count, bytes);
    consume(file.path, "warm-up", batch);
    const watch = new Stopwatch();
    const handled = consume(file.path, "topic", batch);
    if (handled.messages !== count) throw new Error(`the bare client read ${handled.messages} of ${count} messages`);
    return { ...watch.figures(count), bytes: handled.bytes };
  } finally {
    file.remove();
  }
};

function consume(path: string, topic: string, batch: number): { readonly messages: number; readonly bytes: number } {
  const database = new DatabaseSync(path);
  database.exec(PRAGMAS);
  const [begin, commit] = [database.prepare("BEGIN IMMEDIATE"), database.prepare("COMMIT")];
  const save = database.prepare(`UPDATE "watermill_offsets_${topic}" SET offset_acked = ? WHERE consumer_group = 'count'`);
  const next = database.prepare(
    `SELECT offset, uuid, created_at, CAST(payload AS BLOB), CASE WHEN metadata = x'7b7d' THEN NULL ELSE CAST(metadata AS TEXT) END
     FROM "watermill_${topic}" WHERE offset > ? ORDER BY offset LIMIT ?`,
  );
  next.setReturnArrays(true);
  let messages = 0;
  let bytes = 0;
  const handle = (_id: string, payload: Uint8Array, metadata: Record<string, string> | undefined): void => {
    messages++;
    bytes += payload.length + (metadata === undefined ? 0 : 1);
  };
  for (let position = 0; ; ) {
    begin.run();
    save.run(position);
    const rows = next.all(position, batch) as unknown as readonly Row[];
    commit.run();
    for (const [offset, id, , payload, metadata] of rows) {
      handle(id, payload, metadata === null ? undefined : (JSON.parse(metadata) as Record<string, string>));
      position = offset;
    }
    if (rows.length === 0) break;
  }
  database.close();
  return { messages, bytes };
}
