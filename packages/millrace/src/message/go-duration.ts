const UNITS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy;

/** A duration as Go writes it: `1.5s`, `1m30s`, `1h0m0s`, `250ms`. Exact to the nanosecond. */
export function formatGoDuration(ms: number): string {
  // Apart from the minutes: of more than 104 days a number cannot count the nanoseconds.
  const all = Math.abs(ms);
  let minutes = Math.floor(all / 60_000);
  let nanoseconds = Math.round((all % 60_000) * 1e6);
  if (nanoseconds === 60e9) {
    minutes++;
    nanoseconds = 0;
  }
  const sign = ms < 0 ? "-" : "";
  const seconds = `${inSeconds(nanoseconds)}s`;
  if (minutes >= 60) return `${sign}${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
  if (minutes > 0) return `${sign}${minutes}m${seconds}`;
  if (nanoseconds === 0) return "0s";
  if (nanoseconds < 1e3) return `${sign}${nanoseconds}ns`;
  if (nanoseconds < 1e6) return `${sign}${nanoseconds / 1e3}µs`;
  if (nanoseconds < 1e9) return `${sign}${nanoseconds / 1e6}ms`;
  return sign + seconds;
}

/** Never with an exponent, which JavaScript writes for small numbers. */
function inSeconds(nanoseconds: number): string {
  const fraction = String(nanoseconds % 1e9)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return `${Math.floor(nanoseconds / 1e9)}${fraction === "" ? "" : `.${fraction}`}`;
}

/** Milliseconds of a duration that Go wrote; `undefined` for text that is not one. */
export function parseGoDuration(text: string): number | undefined {
  const body = text.replace(/^[+-]/, "");
  if (body === "0") return 0;
  let ms = 0;
  let read = 0;
  for (const [part, digits, unit] of body.matchAll(PART)) {
    ms += Number(digits) * (UNITS[unit as string] as number);
    read += part.length;
  }
  if (read === 0 || read !== body.length) return undefined;
  return text.startsWith("-") ? -ms : ms;
}
