import type { Row } from "./row.ts";

/** The rows whose names begin with one of the words; all without a word. */
export function chooseRows(rows: readonly Row[], words: readonly string[]): readonly Row[] {
  const begins = ({ name }: Row, word: string): boolean => name.toLowerCase().startsWith(word.toLowerCase());
  const unknown = words.filter((word) => !rows.some((row) => begins(row, word)));
  if (unknown.length > 0) throw new Error(`No row begins with "${unknown.join('", "')}". There are:\n${rows.map(({ name }) => `  ${name}`).join("\n")}`);
  return words.length === 0 ? rows : rows.filter((row) => words.some((word) => begins(row, word)));
}
