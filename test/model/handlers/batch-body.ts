import type { BatchHandler, ReceivedMessage } from "millrace";
import type { Call } from "../ledger/records.ts";
import type { Act } from "../plan/program.ts";
import { PlainError } from "./plain-error.ts";
import { errorOf, giveVerdict } from "./single-body.ts";
import type { Stage } from "./stage.ts";
import { isCutOff, takesTime, waitAsTold } from "./wait-as-told.ts";

/** A batch handler: takes the longest of its messages' times, fails those that fail, and as a whole when one panics. */
export function batchBody(stage: Stage): BatchHandler {
  const { world, book, member, acts, bare } = stage;
  return (messages, batch) => {
    const texts = messages.map((message) => message.text());
    const handlings = bare ? messages.map((message) => book.begin(member, message.text(), message.delivery.attempt)) : [];
    const call = book.call(member, texts);
    if (world.ledger.dead) return new Promise(() => {});
    const parts = messages.map((message) => ({ message, act: acts.next(book.name, message.text()) }));
    const conclude = (): void => {
      takeBack(call);
      book.endCall(call, "is done with");
      for (const handling of handlings) {
        if (handling === undefined) continue;
        if (call.bad.has(handling.track)) book.threw(handling, call.ignorable.has(handling.track) ? new PlainError("a failure") : undefined);
        else if (call.takenBack.has(handling.track)) book.threw(handling, "taken back");
        else book.returned(handling, []);
      }
    };
    const finish = (): void => {
      for (const { message, act } of parts) {
        if (!act.early) giveVerdict(stage, call, message, act);
        if (act.end === undefined || act.end === "panic") continue;
        const track = book.tracks.get(message.text());
        if (track !== undefined) {
          call.bad.add(track);
          call.named.add(track);
          if (act.end === "permanent") track.permanent = true;
          else call.ignorable.add(track);
        }
        batch.fail(message, errorOf(act.end));
      }
      if (parts.some(({ act }) => act.end === "panic")) throw errorOf("panic");
    };
    const failAll = (error: unknown): never => {
      for (const track of call.tracks) call.bad.add(track);
      conclude();
      throw error;
    };
    try {
      for (const { message, act } of parts) if (act.early) giveVerdict(stage, call, message, act);
      const slow = parts.filter(({ act }) => takesTime(act));
      if (slow.length > 0) return waiting(slow).then(finish).then(conclude, failAll);
      finish();
    } catch (error) {
      return failAll(error);
    }
    conclude();

    async function waiting(slow: readonly { readonly message: ReceivedMessage; readonly act: Act }[]): Promise<void> {
      try {
        await Promise.all(slow.map(({ message, act }) => waitAsTold(stage, call, message, act)));
      } catch (error) {
        if (slow.some(({ message, act }) => act.obey && isCutOff(error, message))) for (const track of call.tracks) call.takenBack.add(track);
        throw error;
      }
    }
  };
}

/** What stands behind a failed one of its key has to come again with it. */
function takeBack(call: Call): void {
  for (const [place, track] of call.tracks.entries()) {
    if (track.lane === undefined || call.bad.has(track)) continue;
    if (call.tracks.slice(0, place).some((earlier) => earlier.lane === track.lane && call.bad.has(earlier))) call.takenBack.add(track);
  }
}
