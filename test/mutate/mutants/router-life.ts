import type { Mutant } from "../mutant.ts";

/** Beginning, ending and order in the router. */
export const ROUTER_LIFE: readonly Mutant[] = [
  {
    promise: "a subscription that breaks is taken up again",
    file: "packages/millrace/src/router/feed.ts",
    find: "subscription = await this.#resubscribe();",
    put: "subscription = undefined;",
    caughtBy: { file: "packages/millrace/src/router/lost.test.ts", title: "is taken up again with backoff, and health says reconnecting meanwhile" },
  },
  {
    promise: "a broken subscription shows in health",
    file: "packages/millrace/src/router/feed.ts",
    find: '      this.#broken = { since: new Date(wallMs()), error: asError(error) };\n      desk.log("error", undefined, { topic: this.topic, error }, "the subscription broke',
    put: '      desk.log("error", undefined, { topic: this.topic, error }, "the subscription broke',
    caughtBy: { file: "packages/millrace/src/router/lost.test.ts", title: "is taken up again with backoff, and health says reconnecting meanwhile" },
  },
  {
    promise: "what a broken subscription holds comes again",
    file: "packages/millrace/src/router/feed.ts",
    find: "      dispose(subscription); // should it not have ended: what it holds is to come again\n",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/router/lost.test.ts",
      title: "is given back first, and what it held comes again, when a failed message cannot be nacked",
    },
  },
  {
    promise: "a stop tells which verdicts are not durable",
    file: "packages/millrace/src/router/feed.ts",
    find: "await this.#subscription?.drain(options);",
    put: "void this.#subscription?.drain(options);",
    caughtBy: {
      file: "packages/millrace/src/router/ends-and-starts.test.ts",
      title: "brings nobody down when its last verdicts are not durable: the router closes, and logs it",
    },
  },
  {
    promise: "a stop waits for calls",
    file: "packages/millrace/src/router/runner.ts",
    find: "    await deadline.wait(desk.calm);\n",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/router/outliving.test.ts",
      title: "is waited for: idle, stop and close end with the call, and its results are published (by instantAck)",
    },
  },
  {
    promise: "a handler that goes on beyond the drain's deadline hears of it",
    file: "packages/millrace/src/router/runner.ts",
    find: "if (desk.running > 0) {",
    put: "if (false) {",
    caughtBy: {
      file: "packages/millrace/src/router/ending.test.ts",
      title: "aborts at its deadline the signal of a handler that goes on, also of one that has acked",
    },
  },
  {
    promise: "no handler reads before all are subscribed",
    file: "packages/millrace/src/router/router.ts",
    find: "    for (const entry of this.#entries.values()) entry.read();\n    this.#started.resolve();",
    put: "    this.#started.resolve();",
    caughtBy: {
      file: "packages/millrace/src/router/start-stop.test.ts",
      title: "resolves when every handler is subscribed: nothing published afterwards is missed",
    },
  },
  {
    promise: "close closes what it owns, in reverse order",
    file: "packages/millrace/src/router/router.ts",
    find: "for (const owned of [...(this.#options.owns ?? [])].reverse()) {",
    put: "for (const owned of this.#options.owns ?? []) {",
    caughtBy: { file: "packages/millrace/src/router/closing.test.ts", title: "closes what it owns, last and in reverse order, and nothing else" },
  },
  {
    promise: "what fails at closing is told",
    file: "packages/millrace/src/router/router.ts",
    find: "if (failures.length === 1) throw failures[0];",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/router/closing.test.ts",
      title: "closes all that it owns although one of them cannot be closed, and rejects with that",
    },
  },
  {
    promise: "a subscriber that was closed behind the router's back shows in health",
    file: "packages/millrace/src/router/router.ts",
    find: "else entry.lose(lostBy);",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/router/closed-behind.test.ts",
      title: "stays in health, stopped and with the reason, and the process is neither live nor ready; the others go on",
    },
  },
  {
    promise: "idle looks twice: what one handler finishes may be another's work",
    file: "packages/millrace/src/router/until-idle.ts",
    find: "if (before === taken()) return;",
    put: "return;",
    caughtBy: { file: "packages/millrace/src/router/looking-in.test.ts", title: "waits for a slow handler of what another one has only just produced" },
  },
  {
    promise: "an observer that throws changes nothing",
    file: "packages/millrace/src/router/observers.ts",
    find: "        this.#onFailure(error);",
    put: "        throw error;",
    caughtBy: {
      file: "packages/millrace/src/router/observing.test.ts",
      title: "is told of every verdict, publish and state; one that throws is logged and changes nothing",
    },
  },
  {
    promise: "concurrency bounds the calls at a time",
    file: "packages/millrace/src/router/calls/slots.ts",
    find: "return this.#taken < this.#limit;",
    put: "return true;",
    caughtBy: { file: "packages/millrace/src/router/due-and-topics.test.ts", title: "have one call at a time between them, where their handler has one slot" },
  },
  {
    promise: "a call that outlives its timeout keeps its slot",
    file: "packages/millrace/src/router/handling/pipelined.ts",
    find: "if (call.inner === undefined) call.giveSlot();",
    put: "if (true) call.giveSlot();",
    caughtBy: {
      file: "packages/millrace/src/router/pipeline.test.ts",
      title: "begins with another key only when a handler that middleware has given up on leaves its slot",
    },
  },
  {
    promise: "a lost call is abandoned after abandonAfterMs",
    file: "packages/millrace/src/router/calls/call.ts",
    find: "    this.onAhead();\n    this.abandonLater();",
    put: "    this.onAhead();",
    caughtBy: {
      file: "packages/millrace/src/router/lost.test.ts",
      title: "keeps its slot until it ends, or for abandonAfterMs: then it is logged as abandoned and the handler goes on",
    },
  },
  {
    promise: "a redelivery waits for the call that still runs",
    file: "packages/millrace/src/router/admission.ts",
    find: "if (earlier !== undefined) await earlier.done;",
    put: "",
    caughtBy: { file: "packages/millrace/src/router/lost.test.ts", title: "is not run a second time beside itself" },
  },
  {
    promise: "a redelivery of what succeeded is not handled twice",
    file: "packages/millrace/src/router/admission.ts",
    find: "    if (desk.lost.hasSucceeded(token)) {\n      if (ackUnhandled(call, desk)) desk.lost.forget(token);\n      return false;\n    }",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/router/lost.test.ts",
      title: "waits, redelivered, for that run, and is acked without a second call when it succeeds (concurrency 1)",
    },
  },
  {
    promise: "what comes before it is due waits",
    file: "packages/millrace/src/router/admission.ts",
    find: "if (dueInMs > TOLERANCE_MS && !call.overtaken) {",
    put: "if (false) {",
    caughtBy: { file: "packages/millrace/src/router/due-and-topics.test.ts", title: "in the handler's next run, although the broker hands it out at once" },
  },
  {
    promise: "what is on its way behind one that went back goes back too",
    file: "packages/millrace/src/router/calls/lines.ts",
    find: "  line.returned.add(token);\n  call.overtaken = true;",
    put: "  line.returned.add(token);",
    caughtBy: { file: "packages/millrace/src/router/way-back.test.ts", title: "in batches with a retry around each message that are paused meanwhile" },
  },
  {
    promise: "results of a pipeline are acked in order",
    file: "packages/millrace/src/router/handling/pipelined.ts",
    find: "      if (confirmed !== undefined) await confirmed;",
    put: "      void confirmed?.catch(() => {});",
    caughtBy: {
      file: "packages/millrace/src/router/pipeline.test.ts",
      title: "handles all later ones again when a confirmation fails: readers may see some twice, never a loss, never out of order in the end",
    },
  },
  {
    promise: "the handler's policy stands before the router's",
    file: "packages/millrace/src/router/assemble.ts",
    find: "new Judge([around.failure, spec.options.failure], desk)",
    put: "new Judge([spec.options.failure, around.failure], desk)",
    caughtBy: { file: "packages/millrace/src/router/failure.test.ts", title: "follows the handler's policy before the router's, field by field" },
  },
  {
    promise: "no backoff begins while the router drains",
    file: "packages/millrace/src/router/calls/desk.ts",
    find: "    if (this.#draining !== undefined) controller.abort(this.#draining);\n",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/router/ending.test.ts",
      title: "gives back at once a message whose backoff would only begin while it ends, uncounted",
    },
  },
  {
    promise: "what only waits for its backoff goes back at once when the handler stops",
    file: "packages/millrace/src/router/calls/desk.ts",
    find: "for (const controller of [...this.#resting]) controller.abort(this.#draining);",
    put: "",
    caughtBy: { file: "packages/millrace/src/router/ending.test.ts", title: "gives back at once a message that only waits for a retry's backoff, uncounted" },
  },
];
