/** What a program may break. In order of gravity: a program that breaks several is made smaller for the first. */
export const RULES = [
  "lost", // a message has no success, no dead letter, and nobody has it any more
  "stuck", // likewise, but somebody still has it
  "outputDropped", // the results of a call whose message was acked were never published
  "silentLoss", // confirmed messages are gone without a line in the log
  "order", // a message began before an earlier one of its lane had succeeded
  "outputOrder", // the last results of a lane are not in its order
  "concurrency", // more calls at once than allowed
  "keyTwice", // two calls of one key at once
  "twice", // a message is called with while an earlier call for it still runs
  "repeated", // handled again after a success, with no loss to excuse it
  "attempts", // an attempt was counted for what the handler did not fail at
  "deadLetter", // dead-lettered without having failed so often, or without having failed alone
  "poison", // poisoned without having failed
  "breaker", // opened without failures
  "early", // came again before it was due
  "hotLoop", // called without end
  "endLate", // close or stop took longer than their time
  "endSlow", // close or stop waited for nothing
  "endInside", // close or stop waited for the call that called it
  "endEarly", // close or stop left calls behind
  "afterEnd", // a call began after close or stop
  "idleEarly", // idle came while something was left
  "idleHangs", // idle did not come although nothing was left
  "startSlow", // one subscribe after the other
  "startWrong", // start, started and stopped contradict one another
  "starved", // a free slot, a free key, and nothing happens
  "state", // health tells another state than the one that is
  "closedState", // it does not say "stopped" after close
  "lag", // it counts wrong
  "lastError", // a failure that health does not show
  "unhandled", // a rejection or an error that nobody caught
  "publishHangs", // a publish that never settled
  "publishThrows", // a publish that threw instead of rejecting
  "invalid", // the program could not be run
] as const;
export type Rule = (typeof RULES)[number];

export interface Violation {
  readonly rule: Rule;
  readonly text: string;
  /** Milliseconds after the program began. */
  readonly at: number;
}
