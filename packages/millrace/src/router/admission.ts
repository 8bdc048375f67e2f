import { startTimer, stopTimer } from "../internal/timers.ts";
import type { Call } from "./calls/call.ts";
import type { Desk } from "./calls/desk.ts";
import { ForeignMessage } from "./calls/foreign-message.ts";
import { tokenOf } from "./calls/identity.ts";

/** So little before its time a message may begin: timers are not more exact. */
const TOLERANCE_MS = 1;

/**
 * Looks at a message before it is handled, while something of the past is remembered: it may come before it is due, be the redelivery of
 * one whose call still runs or has succeeded, or follow one whose call outlives its verdict. Answers with a promise of true when it may
 * be handled; false when it has its verdict.
 */
export async function admit(call: Call, desk: Desk): Promise<boolean> {
  if (call.message instanceof ForeignMessage && call.message.mayBeLost) {
    call.message.watch();
    await call.message.settled;
  }
  if (call.over) return false;
  const token = tokenOf(call);
  const dueInMs = desk.failing.dueInMs(token);
  if (dueInMs > TOLERANCE_MS && !call.overtaken) {
    // A foreign subscription may not know of delays: it would hand the message out again at once, again and again.
    if (!(call.message instanceof ForeignMessage) || !desk.failing.cameThoughTold(token)) {
      call.goBack(dueInMs);
      return false;
    }
    await untilDue(call, dueInMs);
    if (call.over) return false;
  }
  if (token !== undefined) {
    const earlier = desk.lost.running(token);
    if (earlier !== undefined) await earlier.done;
    if (call.over) return false;
    if (desk.lost.hasSucceeded(token)) {
      if (ackUnhandled(call, desk)) desk.lost.forget(token);
      return false;
    }
  }
  desk.lost.forgetOrder(desk.orderOf(call.message));
  return true;
}

/** Resolves when the message is due, or its call is over: it was lost, or handed back. */
function untilDue(call: Call, dueInMs: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stopTimer(timer);
      call.company = undefined;
      resolve();
    };
    const timer = startTimer(done, dueInMs);
    call.company = { onCallOver: done };
  });
}

/** An earlier call of the same message has succeeded. False when the ack does not hold. */
function ackUnhandled(call: Call, desk: Desk): boolean {
  call.release();
  let held = false;
  try {
    held = call.message.ack();
  } catch (error) {
    call.origin.broken(error);
  }
  desk.observed(call, held ? "acked" : "lost", undefined);
  call.end(held);
  return held;
}
