import type { Mutant } from "../mutant.ts";

/** Publishing, as it is written once for all adapters. */
export const PUBLISHING: readonly Mutant[] = [
  {
    promise: "what was sent is not called rejected",
    file: "packages/millrace/src/adapter/publishing/publish-call.ts",
    find: 'const OUTCOMES: readonly PublishOutcome[] = ["rejected", "unknown", "confirmed", "rejected", "unknown"];',
    put: 'const OUTCOMES: readonly PublishOutcome[] = ["rejected", "unknown", "confirmed", "rejected", "rejected"];',
    caughtBy: { file: "packages/millrace/src/adapter/publishing/publish-limits.test.ts", title: "rejects what was not sent, and makes unknown what was" },
  },
  {
    promise: "what was never sent is not called unknown",
    file: "packages/millrace/src/adapter/publishing/publish-call.ts",
    find: "    this.#turn(0, this.count, WAITING, WAITING, STATES.rejected);\n",
    put: "    this.#turn(0, this.count, WAITING, WAITING, STATES.unknown);\n",
    caughtBy: { file: "packages/millrace/src/adapter/publishing/publish-limits.test.ts", title: "rejects what was not sent, and makes unknown what was" },
  },
  {
    promise: "the signal of a publish ends it",
    file: "packages/millrace/src/adapter/publishing/publish-call.ts",
    find: 'signal.addEventListener("abort", this.#onAbort, { once: true });',
    put: "",
    caughtBy: { file: "packages/millrace/src/adapter/publishing/publish-limits.test.ts", title: "rejects what was not sent, and makes unknown what was" },
  },
  {
    promise: "a call is confirmed only when all of it is",
    file: "packages/millrace/src/adapter/publishing/publish-call.ts",
    find: '    this.#turn(from, count, WAITING, SENT, STATES[outcome]);\n    if (outcome !== "confirmed") this.#fail(error);\n    if (this.#left === 0) this.#end();',
    put: '    this.#turn(from, count, WAITING, SENT, STATES[outcome]);\n    if (outcome !== "confirmed") this.#fail(error);\n    this.#end();',
    caughtBy: {
      file: "packages/millrace/src/adapter/publishing/publish-queue.test.ts",
      title: "sends the calls of one turn together, in their order, and resolves each when all of it is confirmed",
    },
  },
  {
    promise: "after the first failure in a call nothing more of it is sent",
    file: "packages/millrace/src/adapter/publishing/publish-lane.ts",
    find: "while (this.#fresh.peek()?.call.failed === true) this.#fresh.shift();",
    put: "while (this.#fresh.peek()?.call.ended === true) this.#fresh.shift();",
    caughtBy: { file: "packages/millrace/src/adapter/publishing/publish-queue.test.ts", title: "lets nothing more of its call into the room that it leaves" },
  },
  {
    promise: "one message's failure leaves what was sent to its own answers",
    file: "packages/millrace/src/adapter/publishing/outgoing.ts",
    find: "    this.call.decide(this.index, 1, outcome, error);",
    put: '    if (outcome === "rejected") this.call.giveUp(error);\n    else this.call.decide(this.index, 1, outcome, error);',
    caughtBy: {
      file: "packages/millrace/src/adapter/publishing/publish-queue.test.ts",
      title: "fails its call: what was not sent of it is rejected, what was sent has its own fate, other calls go their way",
    },
  },
  {
    promise: "a publish ends when its time is up",
    file: "packages/millrace/src/adapter/publishing/publish-calls.ts",
    find: "this.#timer ??= startTimer(() => this.#expire(), this.#rules.timeoutMs);",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/adapter/publishing/publish-limits.test.ts",
      title: "ends it: what was sent is unknown, the rest rejected, and what it sent still fills the window",
    },
  },
  {
    promise: "a full queue makes a call wait",
    file: "packages/millrace/src/adapter/publishing/publish-calls.ts",
    find: "if (this.#outside.size === 0 && this.#fits(call)) this.#admit(call);",
    put: "if (this.#outside.size === 0) this.#admit(call);",
    caughtBy: {
      file: "packages/millrace/src/adapter/publishing/publish-limits.test.ts",
      title: "makes calls wait for room, first come first served, by messages and by bytes",
    },
  },
  {
    promise: "calls that wait for room are let in as they came",
    file: "packages/millrace/src/adapter/publishing/publish-calls.ts",
    find: "if (this.#outside.size === 0 && this.#fits(call)) this.#admit(call);",
    put: "if (this.#fits(call)) this.#admit(call);",
    caughtBy: {
      file: "packages/millrace/src/adapter/publishing/publish-limits.test.ts",
      title: "makes calls wait for room, first come first served, by messages and by bytes",
    },
  },
  {
    promise: "one call alone may be of any size",
    file: "packages/millrace/src/adapter/publishing/load.ts",
    find: "return this.calls === 0 || (",
    put: "return (",
    caughtBy: { file: "packages/millrace/src/adapter/publishing/publish-limits.test.ts", title: "lets one call alone in, of any size" },
  },
  {
    promise: "at sixteen times its bound a queue refuses",
    file: "packages/millrace/src/adapter/publishing/publish-calls.ts",
    find: "const MOST_FILLS = 16;",
    put: "const MOST_FILLS = 160;",
    caughtBy: { file: "packages/millrace/src/adapter/publishing/publish-limits.test.ts", title: "refuses at sixteen times its bound with BUFFER_FULL" },
  },
  {
    promise: "a closed publisher lets nothing in",
    file: "packages/millrace/src/adapter/publishing/publish-calls.ts",
    find: "    this.#closed = true;\n    return this.idle();",
    put: "    return this.idle();",
    caughtBy: {
      file: "packages/millrace/src/adapter/publishing/publish-limits.test.ts",
      title: "lets nothing more in, waits for what is under way and for what waits for room, and disconnects",
    },
  },
  {
    promise: "close waits for what is under way",
    file: "packages/millrace/src/adapter/publishing/publish-queue.ts",
    find: "    await super.close();\n    await this.stop();",
    put: "    await this.stop();",
    caughtBy: {
      file: "packages/millrace/src/adapter/publishing/publish-limits.test.ts",
      title: "lets nothing more in, waits for what is under way and for what waits for room, and disconnects",
    },
  },
  {
    promise: "what was sent and not answered is not sent again where the broker keeps repeats",
    file: "packages/millrace/src/adapter/publishing/publish-lane.ts",
    find: "const again = this.#rules.deduplicates === true;",
    put: "const again = true;",
    caughtBy: {
      file: "packages/millrace/src/adapter/publishing/publish-outage.test.ts",
      title: "makes unknown what it has not answered, and nothing is sent twice; what was not sent goes over the next one at once",
    },
  },
  {
    promise: "what is sent again goes before all that is younger",
    file: "packages/millrace/src/adapter/publishing/publish-lane.ts",
    find: "      for (const message of this.#sent) {",
    put: "      for (const message of [...this.#sent].reverse()) {",
    caughtBy: {
      file: "packages/millrace/src/adapter/publishing/publish-outage.test.ts",
      title: "has what it has not answered sent again first and in order, where the broker removes repeats",
    },
  },
  {
    promise: "a window bounds what is without an answer",
    file: "packages/millrace/src/adapter/publishing/publish-lane.ts",
    find: "return this.#sent.size < this.#window && (",
    put: "return (",
    caughtBy: {
      file: "packages/millrace/src/adapter/publishing/publish-queue.test.ts",
      title: "keeps a window of messages without an answer, counted from the oldest",
    },
  },
  {
    promise: "a window bounds the bytes without an answer",
    file: "packages/millrace/src/adapter/publishing/publish-lane.ts",
    find: "(this.#bytes < this.#windowBytes || this.#sent.size === 0)",
    put: "true",
    caughtBy: {
      file: "packages/millrace/src/adapter/publishing/publish-queue.test.ts",
      title: "keeps a window of bytes, in which one message may be of any size",
    },
  },
  {
    promise: "a link that never worked is connected anew after a pause",
    file: "packages/millrace/src/adapter/publishing/publish-lane.ts",
    find: "if (!up.worked) this.#failures++;",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/adapter/publishing/publish-outage.test.ts",
      title: "that answered something, be it a refusal, is connected anew at once; one that never did, after a pause",
    },
  },
  {
    promise: "connecting is tried again with backoff",
    file: "packages/millrace/src/adapter/publishing/publish-lane.ts",
    find: "if (this.#failures > 0) await this.#backOff(); // at once after a link that has worked",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/adapter/publishing/publish-outage.test.ts",
      title: "is tried again with backoff while somebody waits, who is told of it once after a second",
    },
  },
  {
    promise: "calls end at once when trying again cannot help",
    file: "packages/millrace/src/adapter/publishing/publish-lane.ts",
    find: "if (isFinal(error)) for (const message of [...this.#sent, ...this.#fresh]) message.call.giveUp(error);",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/adapter/publishing/publish-outage.test.ts",
      title: "ends the calls of its lane at once when trying again cannot help, and is asked again by the next one",
    },
  },
  {
    promise: "a publish that waits for the broker is told of after a second",
    file: "packages/millrace/src/adapter/publishing/publish-calls.ts",
    find: "const WARN_AFTER_MS = 1000;",
    put: "const WARN_AFTER_MS = 10_000;",
    caughtBy: {
      file: "packages/millrace/src/adapter/publishing/publish-outage.test.ts",
      title: "is warned of once after a second, with its reason, and again only after it was there",
    },
  },
  {
    promise: "a message of a call that cannot be encoded sends nothing",
    file: "packages/millrace/src/adapter/publishing/encode-all.ts",
    find: "    throw refusal(known, items.length);",
    put: "    return items.filter((item) => item !== undefined);",
    caughtBy: {
      file: "packages/millrace/src/adapter/publishing/publish-queue.test.ts",
      title: "rejects its whole call when it cannot be encoded or has to wait, and nothing is sent behind it",
    },
  },
  {
    promise: "a call that has ended leaves its signal alone",
    file: "packages/millrace/src/adapter/publishing/publish-call.ts",
    find: '    if (this.#onAbort !== undefined) this.#signal?.removeEventListener("abort", this.#onAbort);\n',
    put: "",
    caughtBy: {
      file: "packages/millrace/src/adapter/publishing/publish-limits.test.ts",
      title: "before anything was sent rejects all, and leaves no listener behind",
    },
  },
];
