import type { Call } from "./records.ts";

/** One member of a group: a router with this handler. */
export class Member {
  readonly running: Set<Call> = new Set();
  /** It was not started, or was closed or stopped, and that has ended. */
  ended = true;
  /** The drain's deadline, once it is told to end. */
  deadline: number = Infinity;
  /** Since it was started. */
  failures = 0;

  start(): void {
    this.ended = false;
    this.deadline = Infinity;
    this.failures = 0;
  }

  /** Leaves behind what still runs. Answers with a call that should have been waited for. */
  end(now: number, deadline: number): Call | undefined {
    this.ended = true;
    let early: Call | undefined;
    for (const call of this.running) {
      if (call.leftBehind) continue;
      if (call.ending === undefined && call.abortedAt === undefined && now < deadline) early ??= call;
      call.leftBehind = true;
      call.abortedAt ??= now;
      for (const track of call.tracks) track.mayRepeat = true;
    }
    return early;
  }
}
