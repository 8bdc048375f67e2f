import type { Call } from "./call.ts";
import { tokenOf } from "./identity.ts";

/** Resolves when all before it in its line have had their verdict, or one of them went back. */
export async function untilHead(call: Call): Promise<void> {
  while (call.before !== undefined && !call.overtaken && !call.over) await untilAhead(call);
}

/** Resolves when the handler of the one before it has ended and nothing stops the line, or that one went back. */
export async function untilTurn(call: Call): Promise<void> {
  while ((call.before?.handled === false || isStopped(call)) && !call.overtaken && !call.over) await untilAhead(call);
}

function untilAhead(call: Call): Promise<void> {
  return new Promise((onAhead) => call.whenAhead({ onAhead }));
}

function isStopped({ line }: Call): boolean {
  return line?.stops !== undefined && line.stops.size > 0;
}

/** It goes back: so must all behind it that are not acked, to be handled after it. */
export function overtakeBehind(call: Call): void {
  for (let later = call.behind; later !== undefined; ) {
    const next = later.behind; // it may leave its line now
    later.overtaken = later.inHand.verdict !== "acked"; // by its handler: it cannot go back
    later.onAhead();
    later = next;
  }
}

/**
 * After a call lost its delivery, another message of its line than its own redelivery came first: an earlier one, whose ack got lost as well,
 * and that is handled again.
 */
export function earlierCameAgain(call: Call, token: unknown, lostBehind: number): boolean {
  if (token === undefined) return false;
  for (let later = call.behind; later !== undefined; later = later.behind) {
    if (later.order > lostBehind) return tokenOf(later) !== token;
  }
  return false;
}
