import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { JournalReader, JournalWriter } from "./journal.ts";

describe("the journal of a soak", () => {
  it("keeps the entries of all its writers, in the order in which they were written", () => {
    const folder = mkdtempSync(join(tmpdir(), "millrace-journal-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "journal");
    const [one, other] = [new JournalWriter(path, 1), new JournalWriter(path, 65_535)];
    const reader = new JournalReader(path);
    one.write(2, 4_294_967_295, 7);
    other.add(2, 1);
    other.write(3, 1);
    one.write(3, 5);
    expect(entries(reader)).toEqual([
      [2, 1, 4_294_967_295, 7],
      [2, 65_535, 1, 0],
      [3, 65_535, 1, 0],
      [3, 1, 5, 0],
    ]);
    other.write(8);
    expect(entries(reader)).toEqual([[8, 65_535, 0, 0]]);
    for (const each of [one, other, reader]) each.close();
  });
});

function entries(reader: JournalReader): number[][] {
  const found: number[][] = [];
  while (reader.read({ take: (...entry) => found.push(entry) }));
  return found;
}
