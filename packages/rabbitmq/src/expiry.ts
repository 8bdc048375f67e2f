import { wallMs } from "millrace/adapter";
import { EXPIRATION_HEADER, EXPIRES_HEADER } from "./own-headers.ts";

/**
 * The broker takes a time to live off a message that it holds back: its own queues for that would end the waiting early, and with it the
 * message. So it travels in headers, as it was and as a time on the clock, and whoever receives the message lets it expire.
 */
interface Expiring {
  readonly expiration?: unknown;
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
}

/** Of a message whose time to live is counted from now, unless it is already; none where it lives for ever. */
export function expiryHeaders(message: Expiring): Record<string, string> | undefined {
  const expiration = expirationOf(message);
  const lifeMs = Number(expiration);
  if (expiration === undefined || !(lifeMs >= 0)) return undefined;
  return { [EXPIRATION_HEADER]: expiration, [EXPIRES_HEADER]: String(endMs(message) ?? Math.round(wallMs() + lifeMs)) };
}

/** The time to live that it was published with. */
export function expirationOf({ expiration, headers }: Expiring): string | undefined {
  const kept = headers?.[EXPIRATION_HEADER] ?? expiration;
  return typeof kept === "string" && kept !== "" ? kept : undefined;
}

/** What is left of it; for ever where nobody counts. */
export function leftMs(message: Expiring): number {
  const end = endMs(message);
  return end === undefined ? Number.POSITIVE_INFINITY : end - wallMs();
}

function endMs({ headers }: Expiring): number | undefined {
  const text = headers?.[EXPIRES_HEADER];
  const end = typeof text === "string" ? Number(text) : Number.NaN;
  return Number.isFinite(end) ? end : undefined;
}
