/** Offsets as ranges in text, ascending: `"12,15-20"`. */
export function parseRanges(text: string): readonly (readonly [from: number, to: number])[] {
  if (text === "") return [];
  return text.split(",").map((range) => {
    const dash = range.indexOf("-");
    return dash === -1 ? [Number(range), Number(range)] : [Number(range.slice(0, dash)), Number(range.slice(dash + 1))];
  });
}

export function rangeText(from: number, to: number): string {
  return from === to ? String(from) : `${from}-${to}`;
}

/** The part of `text` that lies within `after` (exclusive) and `upto` (inclusive). */
export function clipRanges(text: string, after: number, upto: number): string {
  const kept: string[] = [];
  for (const [from, to] of parseRanges(text)) {
    const low = Math.max(from, after + 1);
    const high = Math.min(to, upto);
    if (low <= high) kept.push(rangeText(low, high));
  }
  return kept.join(",");
}

/** Asks ascending offsets, one after the other, whether they are in the ranges. */
export function rangeWalker(text: string): (offset: number) => boolean {
  if (text === "") return () => false;
  const ranges = parseRanges(text);
  let at = 0;
  return (offset) => {
    while (at < ranges.length && (ranges[at] as readonly [number, number])[1] < offset) at++;
    return at < ranges.length && (ranges[at] as readonly [number, number])[0] <= offset;
  };
}
