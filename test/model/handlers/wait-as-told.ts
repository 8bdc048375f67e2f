import { MillraceError, type ReceivedMessage } from "millrace";
import { sleep } from "millrace/adapter";
import type { Call } from "../ledger/records.ts";
import type { Act } from "../plan/program.ts";
import type { Stage } from "./stage.ts";

/** What an act does before it ends takes time. */
export function takesTime(act: Act): boolean {
  return act.sleep !== undefined || act.hang !== undefined || act.ends !== undefined;
}

/** The time an act takes. Rejects with the signal's reason where it obeys its signal. */
export async function waitAsTold(stage: Stage, call: Call, message: ReceivedMessage, act: Act): Promise<void> {
  if (act.obey || stage.book.has("timeout") || breaks(stage)) watch(stage, call, message);
  if (act.ends !== undefined && act.early) await ending(stage, call, act.ends, "at once");
  if (act.hang) await (act.obey ? aborted(message.signal, stage, call) : released(stage, call));
  else if (act.sleep !== undefined) await sleep(act.sleep, act.obey ? message.signal : undefined);
  if (act.ends !== undefined && !act.early) await ending(stage, call, act.ends, act.sleep === undefined && !act.hang ? "at once" : "later");
}

/** Whether it was cut off by something that is not its fault. */
export function isCutOff(error: unknown, message: ReceivedMessage): boolean {
  return error === message.signal.reason && MillraceError.is(error) && error.code !== "HANDLER_TIMEOUT";
}

/** The broker may take a message away without a word of its own. */
function breaks({ world: { program } }: Stage): boolean {
  return program.steps.some((step) => step.do === "breakVerdict" || (step.do === "cut" && step.fatal));
}

function watch(stage: Stage, call: Call, message: ReceivedMessage): void {
  const onAbort = (): void => {
    if (call.endedAt === undefined) call.abortedAt ??= stage.world.ledger.now;
  };
  if (message.signal.aborted) onAbort();
  else message.signal.addEventListener("abort", onAbort, { once: true });
}

/** While it waits for the end of its own router it is not at work: nobody may wait for it. */
async function ending(stage: Stage, call: Call, what: "router" | "handler", when: "at once" | "later"): Promise<void> {
  // Behind middleware that waits nobody can know who asks, either.
  call.ending = stage.bare ? when : "later";
  stage.world.ledger.leave();
  await stage.end(what);
  stage.world.ledger.enter();
}

/** Hangs until the end of the program; for ever when it was told to stop before, and has given no verdict of its own. */
function released({ world: { release } }: Stage, call: Call): Promise<void> {
  return new Promise((resolve) => {
    if (release.calm) resolve();
    else release.waiting.add(() => (call.abortedAt === undefined || call.nacked.size > 0) && resolve());
  });
}

/** Hangs until it is told to stop. */
function aborted(signal: AbortSignal, stage: Stage, call: Call): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    released(stage, call).then(resolve, reject);
  });
}
