const SHAPE = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?(Z|[+-](\d{2}):?(\d{2}))$/i;

/**
 * A moment written as ISO 8601 with an offset (`2026-11-20T10:00:00Z`, `2026-11-20T11:00+01:00`), or `undefined`.
 *
 * Stricter than `Date.parse`, which takes times without an offset and rolls 30 February over into March.
 */
export function parseIsoDate(text: string): Date | undefined {
  const parts = SHAPE.exec(text);
  if (parts === null) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? 0)) as [number, number, number, number, number, number];
  const local = new Date(0);
  local.setUTCFullYear(year, month - 1, day);
  if (local.getUTCMonth() !== month - 1 || local.getUTCDate() !== day) return undefined;
  const offsetHours = Number(parts[9] ?? 0);
  const offsetMinutes = Number(parts[10] ?? 0);
  if (hour > 23 || minute > 59 || second > 59 || offsetHours > 23 || offsetMinutes > 59) return undefined;
  const offsetMs = (offsetHours * 60 + offsetMinutes) * 60_000 * (parts[8]?.startsWith("-") ? -1 : 1);
  const milliseconds = Math.trunc(Number(`0${parts[7] ?? ""}`) * 1000);
  const moment = new Date(local.getTime() + hour * 3_600_000 + minute * 60_000 + second * 1000 + milliseconds - offsetMs);
  // An offset may carry a date out of the four-digit years, where toISOString() changes its shape.
  return moment.getUTCFullYear() >= 0 && moment.getUTCFullYear() <= 9999 ? moment : undefined;
}
