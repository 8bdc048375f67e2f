/** The value below which the share `at` (0 to 1) of all values lies, interpolated. */
export function quantile(values: ArrayLike<number>, at: number): number {
  if (values.length === 0) throw new Error("no value was measured");
  const sorted = Float64Array.from(values).sort();
  const place = (sorted.length - 1) * at;
  const below = sorted[Math.floor(place)] as number;
  const above = sorted[Math.ceil(place)] as number;
  return below + (above - below) * (place - Math.floor(place));
}

export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5);
}
