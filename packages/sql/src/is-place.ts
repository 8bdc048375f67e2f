import type { From } from "millrace";

/** False for a position that is no offset. */
export function isPlace(from: From | undefined): boolean {
  return (
    typeof from !== "object" ||
    !("position" in from) ||
    (/^\d+$/.test(from.position) && Number.isSafeInteger(Number(from.position)) && Number(from.position) > 0)
  );
}
