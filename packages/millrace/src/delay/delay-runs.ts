import { dueMsOf } from "../adapter/publish-delay.ts";
import type { MillraceError } from "../errors/index.ts";
import { wallMs } from "../internal/timers.ts";
import type { Message } from "../message/index.ts";

/** Messages in a row that go the same way. */
export interface DelayRun {
  readonly parks: boolean;
  readonly messages: Message[];
}

/** A call, cut where its way changes. */
export interface DelayRuns {
  readonly runs: readonly DelayRun[];
  /** Why the next message cannot be sent; nothing behind it is. */
  readonly refused: MillraceError | undefined;
}

export interface DelayRules {
  /** For how long the publisher itself can hold back. */
  readonly longestMs: number;
  /** What a message is parked as. */
  readonly envelope: (message: Message) => Message;
}

/** Which messages go to the publisher, and which are parked, each as it is at this moment: a call takes a snapshot. */
export function delayRuns(messages: readonly Message[], { longestMs, envelope }: DelayRules): DelayRuns {
  const runs: DelayRun[] = [];
  let run: DelayRun | undefined;
  for (const message of messages) {
    let due: number | undefined;
    try {
      due = dueMsOf(message);
    } catch (error) {
      return { runs, refused: error as MillraceError };
    }
    const parks = due !== undefined && due - wallMs() > longestMs;
    if (run?.parks !== parks) runs.push((run = { parks, messages: [] }));
    // The first run is sent in this very turn.
    run.messages.push(parks ? envelope(message) : runs.length === 1 ? message : message.copy());
  }
  return { runs, refused: undefined };
}
