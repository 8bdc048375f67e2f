import { MillraceError } from "../../errors/index.ts";
import { callOf, inHandOf } from "../../message/in-hand.ts";
import { asPromise, type Handler, isPromise, type Produced, type ReceivedMessage } from "../../message/index.ts";
import { isInterruption } from "../../message/interruption.ts";
import { uncounted } from "../../message/uncounted.ts";
import { Call } from "../calls/call.ts";

/**
 * The innermost handler, as middleware calls it. Middleware may give up on a call that goes on: a timeout, a race. The call keeps its slot and
 * its lane until it has ended, and no second call of the same message begins beside it.
 */
export function follow(handler: Handler): Handler {
  const start = (message: ReceivedMessage, known?: Call): ReturnType<Handler> => {
    const result = handler(message);
    if (!isPromise(result)) return result;
    const call = known ?? (callOf(message) as Call);
    const promise = asPromise(result);
    call.inner = promise;
    if (!call.entering) call.followInner();
    return promise;
  };
  return (message) => {
    if (inHandOf(message)?.needsNoCall === true) return start(message);
    const call = callOf(message) as Call | undefined;
    if (call === undefined) throw tooLate(message);
    if (call.overtaken) throw Call.handedBack(); // while a middleware waited
    if (call.inner !== undefined) return again(message, call, start);
    if (call.rare?.ranBefore === true) refuseIfGivenUp(message, call);
    return start(message, call);
  };
}

async function again(message: ReceivedMessage, call: Call, start: (message: ReceivedMessage, call: Call) => ReturnType<Handler>): Promise<Produced> {
  call.followInner();
  await call.rest(() => call.untilInnerEnded(), { finishes: true });
  refuseIfGivenUp(message, call);
  return await start(message, call);
}

function refuseIfGivenUp(message: ReceivedMessage, call: Call): void {
  if (call.concluded) throw tooLate(message);
  if (message.signal.aborted && isInterruption(message.signal.reason, message)) throw message.signal.reason;
}

function tooLate(message: ReceivedMessage): MillraceError {
  return uncounted(new MillraceError(`the handling of message ${message.id} has ended: its handler is not called again`, { code: "HANDLING_ENDED" }));
}
