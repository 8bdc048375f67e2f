/** Puts a part's text between its markers; everything outside of markers is written by hand and stays. */
export function replacePart(results: string, part: string, text: string): string {
  const [begin, end] = [`<!-- bench:${part} -->`, `<!-- /bench:${part} -->`];
  const from = results.indexOf(begin);
  const to = results.indexOf(end);
  if (from === -1 || to < from) throw new Error(`bench/RESULTS.md has no place for the part "${part}": add the lines ${begin} and ${end}`);
  return `${results.slice(0, from + begin.length)}\n${text.trim()}\n${results.slice(to)}`;
}
