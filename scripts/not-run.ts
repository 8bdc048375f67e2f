/** A test that was skipped. */
export interface NotRun {
  /** The test's file, from the root. */
  readonly file: string;
  /** Its title with those of the groups around it, as `run 1 of 3 > the adapter keeps the contract > title`. */
  readonly fullName: string;
  readonly reason: string | undefined;
}

const MOST_LINES = 25;
const SUITE = / keeps the contract(, \d+ times at once)?$/;

/** What was not run: an adapter or a file a line, with each reason and how many tests it held back, each test counted once however often it should have run. */
export function notRunLines(tests: readonly NotRun[], most: number = MOST_LINES): string[] {
  const places = new Map<string, Map<string, Set<string>>>();
  for (const { file, fullName, reason = "no reason given" } of tests) {
    const titles = fullName.split(" > ").filter((title) => !/^run \d+ of \d+$/.test(title));
    const place = titles.find((title) => SUITE.test(title))?.replace(SUITE, "") ?? file;
    const reasons = places.get(place) ?? new Map<string, Set<string>>();
    const names = reasons.get(reason) ?? new Set<string>();
    places.set(place, reasons.set(reason, names.add(titles.join(" > "))));
  }
  const lines = [...places].map(([place, reasons]) => {
    const sorted = [...reasons].sort(([, one], [, other]) => other.size - one.size);
    const total = sorted.reduce((sum, [, names]) => sum + names.size, 0);
    return `not run: ${place}: ${total}${total === 1 ? " test" : " tests"}: ${sorted.map(([reason, names]) => `${reason} (${names.size})`).join("; ")}`;
  });
  if (lines.length <= most) return lines;
  return [...lines.slice(0, most - 1), `not run: in ${lines.length - most + 1} more places`];
}
