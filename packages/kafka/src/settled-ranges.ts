/** Offsets from `begin` up to, and without, `end`. */
export interface OffsetRange {
  readonly begin: number;
  readonly end: number;
}

const MARK = "millrace1:";
/** Kafka's default limit (`offset.metadata.max.bytes`) is 4,096. */
const MOST_CHARACTERS = 4000;

/**
 * Writes which offsets beyond a committed one are settled, for the commit's metadata: distances and lengths in base 36. Other
 * clients take no notice of it. What does not fit is left out: `covered` is the offset up to which the text tells everything.
 */
export function writeRanges(committed: number, ranges: Iterable<OffsetRange>): { readonly text: string; readonly covered: number } {
  let text = "";
  let at = committed;
  for (const { begin, end } of ranges) {
    const part = `${text === "" ? MARK : ","}${(begin - at).toString(36)}.${(end - begin).toString(36)}`;
    if (text.length + part.length > MOST_CHARACTERS) return { text, covered: at };
    text += part;
    at = end;
  }
  return { text, covered: Number.POSITIVE_INFINITY };
}

/** Reads them back; nothing for text that is not ours. */
export function readRanges(committed: number, text: string | null | undefined): OffsetRange[] {
  if (text?.startsWith(MARK) !== true) return [];
  const ranges: OffsetRange[] = [];
  let at = committed;
  for (const part of text.slice(MARK.length).split(",")) {
    const match = /^([0-9a-z]+)\.([0-9a-z]+)$/.exec(part);
    if (match === null) return [];
    const begin = at + Number.parseInt(match[1] as string, 36);
    const end = begin + Number.parseInt(match[2] as string, 36);
    ranges.push({ begin, end });
    at = end;
  }
  return ranges;
}
