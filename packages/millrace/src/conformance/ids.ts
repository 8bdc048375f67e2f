import assert from "node:assert/strict";

/** Every expected id is there and no other; order and repetition do not matter. */
export function assertSameIds(actual: Iterable<string>, expected: Iterable<string>, what: string): void {
  const got = new Set(actual);
  const wanted = new Set(expected);
  const missing = [...wanted].filter((id) => !got.has(id));
  const strange = [...got].filter((id) => !wanted.has(id));
  assert.ok(missing.length === 0, `${what}: ${missing.length} of ${wanted.size} are missing: ${some(missing)}`);
  assert.ok(strange.length === 0, `${what}: ${strange.length} were never expected: ${some(strange)}`);
}

/** No id comes twice. */
export function assertNoRepeat(ids: readonly string[], what: string): void {
  const seen = new Set<string>();
  const repeated = ids.filter((id) => seen.size === seen.add(id).size);
  assert.ok(repeated.length === 0, `${what}: ${repeated.length} came more than once: ${some(repeated)}`);
}

/** The ids that both have come in the same order in both. */
export function assertSameOrder(actual: readonly string[], published: readonly string[], what: string): void {
  const place = new Map(published.map((id, index) => [id, index]));
  for (let index = 1; index < actual.length; index++) {
    const before = place.get(actual[index - 1] as string) ?? -1;
    const here = place.get(actual[index] as string) ?? -1;
    assert.ok(before < here, `${what}: ${actual[index]} was published as number ${here} but came after number ${before}`);
  }
}

function some(ids: readonly string[]): string {
  return ids.slice(0, 5).join(", ") + (ids.length > 5 ? ", …" : "");
}
