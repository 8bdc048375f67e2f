import { MillraceError, PermanentError } from "millrace";
import { type Layer, longestDelayMs } from "../plan/program.ts";
import type { GroupBook } from "./group-book.ts";
import type { Call, Handling } from "./records.ts";

/** A failure that counts as an attempt. */
export interface Failure {
  readonly permanent: boolean;
  /** The message must not come before, and should have come by then. */
  readonly dueAt: number;
  readonly dueBy: number;
}

/** Ends that are nobody's fault. */
const UNCOUNTED: ReadonlySet<string> = new Set(["CIRCUIT_OPEN", "CIRCUIT_TRYING", "HANDED_BACK", "DELIVERY_LOST", "DRAIN_DEADLINE", "HANDLING_ENDED"]);

/** What a failed handling counts for; nothing where the handler did not fail. */
export function failureOf(book: GroupBook, handling: Handling, error: unknown, publishPermanent?: boolean): Failure | undefined {
  const { ledger, plan } = book;
  if (handling.lost || handling.acked || handling.nacked) return undefined;
  const code = MillraceError.is(error) ? error.code : undefined;
  const onPublish = publishPermanent !== undefined;
  if (!onPublish && code !== undefined && UNCOUNTED.has(code)) return undefined;
  if (!onPublish && handling.layerFailures === 0 && !handling.calls.some((call) => call.bad.has(handling.track) || outlived(book, handling, call)))
    return undefined;
  const permanent = publishPermanent ?? isPermanent(error);
  // In the very moment of the deadline it may count or not, and is given back in any case.
  if (ledger.now >= (book.members[handling.member]?.deadline ?? Infinity)) return { permanent, dueAt: 0, dueBy: Infinity };
  const { attempts = 3, minDelayMs = 10, deadLetter } = plan;
  const maxDelayMs = longestDelayMs(plan);
  const spent = permanent || handling.attempt >= attempts;
  const backoff = Math.min(maxDelayMs, minDelayMs * 2 ** (handling.attempt - 1));
  const ceiling = spent ? maxDelayMs : backoff;
  const asked = plan.middleware?.find((layer) => layer.use === "delayOnError")?.minDelayMs;
  // The model's `Math.random` never goes below a half.
  const least = Math.min((mayComeAlone(handling) ? backoff : ceiling) / 2, asked ?? Infinity);
  return { permanent, dueAt: spent && deadLetter ? 0 : ledger.now + least, dueBy: spent && deadLetter ? Infinity : ledger.now + ceiling };
}

/** Where its batch failed as a whole it is not given up: it comes again, alone. */
function mayComeAlone({ calls, track }: Handling): boolean {
  return calls.some(({ tracks, named }) => tracks.length > 1 && !named.has(track));
}

function isPermanent(error: unknown): boolean {
  for (let link = error, depth = 0; depth < 8 && link instanceof Error; depth++) {
    if (link instanceof PermanentError) return true;
    link = link.cause;
  }
  return false;
}

/** A limit told it to stop, or it went on for longer than the shortest limit: whatever failed the message, that is one reason. */
export function outlived(book: GroupBook, handling: Handling | undefined, call: Call): boolean {
  if (call.abortedAt !== undefined) return true;
  const limits = (book.plan.middleware ?? []).filter((layer): layer is Extract<Layer, { use: "timeout" }> => layer.use === "timeout").map(({ ms }) => ms);
  const limit = Math.min(...limits) - 1;
  const began = call.endedAt === undefined ? (handling?.calls[0] ?? call).startedAt : call.startedAt;
  return (call.endedAt ?? book.ledger.now) - began >= limit;
}
