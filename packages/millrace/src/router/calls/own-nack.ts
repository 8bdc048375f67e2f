import { MillraceError } from "../../errors/index.ts";
import { backoffMs } from "../../internal/backoff.ts";
import type { NackOptions } from "../../message/index.ts";
import type { KnownPolicy } from "../failure-policy.ts";
import type { Call } from "./call.ts";
import type { Desk } from "./desk.ts";
import { tokenOf } from "./identity.ts";

/** A nack that the handler gave itself, weighed by the failure policy: it fails the attempt as an exception does, unless it is uncounted. */
export interface OwnNack {
  readonly counted: boolean;
  readonly attempt: number;
  /** No attempts are left. */
  readonly spent: boolean;
  /** What the subscription is told now; `undefined` for nothing: when the handler has ended, the message goes to the dead letter. */
  readonly told: NackOptions | undefined;
  readonly error: MillraceError;
}

export function weighNack({ message, inHand }: Call, policy: KnownPolicy, options: NackOptions | undefined): OwnNack {
  const { attempt } = message.delivery;
  const counted = options?.uncounted !== true;
  const spent = counted && attempt >= policy.attempts;
  const wishedMs = options?.delayMs ?? inHand.redeliveryDelayMs;
  const delayMs = spent ? Math.max(wishedMs ?? 0, policy.maxDelayMs) : (wishedMs ?? backoffMs(attempt, policy, 0));
  const told = spent && policy.deadLetter !== undefined ? undefined : { ...options, delayMs };
  return { counted, attempt, spent, told, error: nacked(options?.reason) };
}

/** The nack holds: it shows at once, however long the handler goes on. */
export function noteNack(call: Call, desk: Desk, own: OwnNack | undefined, delayMs: number): void {
  const counted = own?.counted === true;
  // It is due then, whatever becomes of this run.
  if (counted || delayMs > 0) desk.failing.add(tokenOf(call), counted ? own.attempt : 0, counted && own.spent, delayMs);
  if (!counted) return;
  const { attempt, spent, error } = own;
  desk.counts.failed++;
  desk.lastError = error;
  const fields = { attempt, delayMs: Math.round(delayMs), error };
  if (spent) desk.log("error", call.message, fields, "handler nacked the message and there is no dead letter: the message is kept and tried again");
  else desk.log("warn", call.message, fields, "handler nacked the message, it will be tried again");
  desk.failingChanged();
}

function nacked(reason: string | undefined): MillraceError {
  return new MillraceError(reason === undefined ? "the handler nacked the message" : `the handler nacked the message: ${reason}`, {
    code: "NACKED",
    retryable: true,
  });
}
