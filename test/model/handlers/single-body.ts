import { type Handler, Message, PermanentError, type Produced, type ReceivedMessage } from "millrace";
import type { Call, Track } from "../ledger/records.ts";
import type { Act } from "../plan/program.ts";
import { textsOf } from "./observer.ts";
import { PlainError } from "./plain-error.ts";
import type { Stage } from "./stage.ts";
import { isCutOff, takesTime, waitAsTold } from "./wait-as-told.ts";

/** A handler for one message at a time, which does what its acts say. */
export function singleBody(stage: Stage): Handler {
  const { world, book, member, acts, bare, within } = stage;
  const { ledger } = world;
  return (message) => {
    const text = message.text();
    const handling = bare ? book.begin(member, text, message.delivery.attempt) : undefined;
    const call = book.call(member, [text], handling ?? within.getStore());
    if (ledger.dead) return new Promise(() => {});
    const act = acts.next(book.name, text);
    const track = call.tracks[0];
    const returned = (produced: Produced): Produced => {
      call.made = textsOf(produced);
      book.endCall(call, "returned from");
      if (handling !== undefined) book.returned(handling, call.made);
      return produced;
    };
    const threw = (error: unknown): never => {
      if (track !== undefined) blame(call, track, act, error, message);
      book.endCall(call, "threw at");
      if (handling !== undefined) book.threw(handling, error);
      throw error;
    };
    try {
      if (act.early) giveVerdict(stage, call, message, act);
      if (!takesTime(act)) return act.end === "reject" ? rejecting().catch(threw) : returned(finish(message));
    } catch (error) {
      return threw(error);
    }
    return waitAsTold(stage, call, message, act)
      .then(() => returned(finish(message)), undefined)
      .catch(threw);

    function finish(received: ReceivedMessage): Produced {
      if (!act.early) giveVerdict(stage, call, received, act);
      throwAsTold(act);
      return book.producing ? results(stage, received, act.make ?? 1) : undefined;
    }

    async function rejecting(): Promise<Produced> {
      return finish(message);
    }
  };
}

export function giveVerdict({ book, member }: Stage, call: Call, message: ReceivedMessage, { verdict }: Act): void {
  const track = book.tracks.get(message.text());
  if (verdict === undefined || track === undefined) return;
  if (verdict === "ack") {
    if (message.ack()) book.acked(track, member);
    return;
  }
  const options = verdict === "nack" ? undefined : verdict === "uncounted" ? { uncounted: true } : { delayMs: verdict };
  book.nacked(track, member, call, options, message.nack(options));
}

export function errorOf(end: Act["end"]): unknown {
  if (end === "panic") return "a panic";
  return end === "permanent" ? new PermanentError("a permanent failure") : new PlainError("a failure");
}

function throwAsTold({ end }: Act): void {
  if (end !== undefined) throw errorOf(end);
}

/** Whose fault it is that a call threw. */
function blame(call: Call, track: Track, act: Act, error: unknown, message: ReceivedMessage): void {
  if (act.obey && isCutOff(error, message)) {
    call.takenBack.add(track);
    return;
  }
  call.bad.add(track);
  if (error instanceof PlainError) call.ignorable.add(track);
}

function results({ world, book }: Stage, message: ReceivedMessage, count: number): Produced {
  const { ids } = book.plan;
  const made = Array.from({ length: count }, () => {
    const text = `${message.text()}/${++world.ledger.results}`;
    return new Message(text, { id: ids === "same" ? message.id : ids === "none" ? "" : text });
  });
  return made.length === 1 ? (made[0] as Message) : made;
}
