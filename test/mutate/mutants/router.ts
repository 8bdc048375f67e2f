import type { Mutant } from "../mutant.ts";

/** The life of a message in the router. */
export const ROUTER: readonly Mutant[] = [
  {
    promise: "a message is acked only when its results are confirmed",
    file: "packages/millrace/src/router/handling/outlet.ts",
    find: "      return Promise.resolve(this.#publisher.publish(topic, given, this.#options));",
    put: "      void Promise.resolve(this.#publisher.publish(topic, given, this.#options));\n      return Promise.resolve();",
    caughtBy: {
      file: "packages/millrace/src/router/producing.test.ts",
      title: "is published in one call, in order, and the message is acked when that is confirmed",
    },
  },
  {
    promise: "what is produced inherits the key",
    file: "packages/millrace/src/router/handling/outlet.ts",
    find: "(message.key === undefined ? message.copy({ key }) : message)",
    put: "message",
    caughtBy: {
      file: "packages/millrace/src/router/producing.test.ts",
      title: "takes the consumed message's key unless it has one of its own, so that order holds along a chain",
    },
  },
  {
    promise: "results for several topics are all waited for",
    file: "packages/millrace/src/router/handling/outlet.ts",
    find: 'for (const result of await Promise.allSettled(sent)) if (result.status === "rejected") throw result.reason;',
    put: "await Promise.all(sent);",
    caughtBy: {
      file: "packages/millrace/src/router/ends-and-starts.test.ts",
      title: "is told to those who observe, and the results for other topics are waited for",
    },
  },
  {
    promise: "a result for an undeclared topic fails",
    file: "packages/millrace/src/router/handling/outlet.ts",
    find: "if (topic === undefined || !this.#topics.includes(topic)) throw this.#wrongTopic(topic);",
    put: "if (topic === undefined) throw this.#wrongTopic(topic);",
    caughtBy: {
      file: "packages/millrace/src/router/due-and-topics.test.ts",
      title: "to publish to: each result goes to the topic it names, and one that names none fails for good, by its handler's name",
    },
  },
  {
    promise: "what is no message fails by its name",
    file: "packages/millrace/src/router/handling/outlet.ts",
    find: "for (const message of list) if (!isMessage(message)) throw noMessage(this.#identity.handler, message);",
    put: "",
    caughtBy: { file: "packages/millrace/src/router/observing.test.ts", title: "that returns what is no message fails for good, by its name" },
  },
  {
    promise: "a dead letter is confirmed before the ack",
    file: "packages/millrace/src/router/judge.ts",
    find: "      await publisher.publish(topic, letter);",
    put: "      publisher.publish(topic, letter).catch(() => {});",
    caughtBy: { file: "packages/millrace/src/router/failure.test.ts", title: "is acked only when it is confirmed: meanwhile the next one waits" },
  },
  {
    promise: "a dead letter that cannot be published keeps its message",
    file: "packages/millrace/src/router/judge.ts",
    find: "      if (!call.over) this.#tryAgain(call, attempt, true, this.#policy.maxDelayMs, publishError);\n      return;",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/router/failure.test.ts",
      title: "that cannot be published keeps the message, and it is tried again at the longest delay, which health shows",
    },
  },
  {
    promise: "attempts are bounded",
    file: "packages/millrace/src/router/judge.ts",
    find: "if ((!permanent && attempt < this.#policy.attempts) || call.failedInCompany) {",
    put: "if (!permanent || call.failedInCompany) {",
    caughtBy: {
      file: "packages/millrace/src/router/failure.test.ts",
      title: "gets the original message with Watermill's metadata when the attempts are spent, then the message is acked",
    },
  },
  {
    promise: "a permanent error is not tried again",
    file: "packages/millrace/src/router/judge.ts",
    find: "const permanent = isPermanent(error);",
    put: "const permanent = false;",
    caughtBy: {
      file: "packages/millrace/src/router/failure.test.ts",
      title: "gets a message at once at a PermanentError, also as the cause of another error, sync or async",
    },
  },
  {
    promise: "without a dead letter nothing is dropped",
    file: "packages/millrace/src/router/judge.ts",
    find: "if (this.#deadLetter !== undefined) return this.#bury(call, error, attempt, permanent);",
    put: "if (this.#deadLetter !== undefined) return this.#bury(call, error, attempt, permanent);\n    return this.#ack(call);",
    caughtBy: {
      file: "packages/millrace/src/router/failure.test.ts",
      title: "without a dead letter never drops: the longest delay, an error line each time, and health says failing",
    },
  },
  {
    promise: "a server's Retry-After is heeded",
    file: "packages/millrace/src/router/judge.ts",
    find: "backoffMs(attempt, this.#policy.minDelayMs, this.#policy.maxDelayMs), retryAfterMs(error) ?? 0);",
    put: "backoffMs(attempt, this.#policy.minDelayMs, this.#policy.maxDelayMs), 0);",
    caughtBy: { file: "packages/millrace/src/router/due-and-topics.test.ts", title: "asks for no attempt before that, where the backoff would be shorter" },
  },
  {
    promise: "the verdict waits until the handler has really ended",
    file: "packages/millrace/src/router/judge.ts",
    find: "return call.before !== undefined || call.inner !== undefined || call.overtaken;",
    put: "return call.before !== undefined || call.overtaken;",
    caughtBy: { file: "packages/millrace/src/router/concurrency.test.ts", title: "the message is not handed out again beside the call that still runs" },
  },
  {
    promise: "an uncounted nack is no failure",
    file: "packages/millrace/src/router/judge.ts",
    find: "const uncounted = ownNack?.counted === false;",
    put: "const uncounted = false;",
    caughtBy: { file: "packages/millrace/src/router/own-nack.test.ts", title: "spends no attempt when it is uncounted, and never leads to the dead letter" },
  },
  {
    promise: "what goes back takes those behind it along",
    file: "packages/millrace/src/router/judge.ts",
    find: "    overtakeBehind(call);\n    desk.lines.await(call);\n    call.release();\n    let held = false;",
    put: "    call.release();\n    let held = false;",
    caughtBy: { file: "packages/millrace/src/router/pipeline.test.ts", title: "holds the order of a lane when a handler in the middle fails" },
  },
  {
    promise: "the output of a lost call is dropped when the handler stops",
    file: "packages/millrace/src/router/judge.ts",
    find: "if (call.lost && this.#desk.draining) call.known().forfeited = true;",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/router/lost.test.ts",
      title: "has its output dropped when the handler stops meanwhile: the message will be handled again",
    },
  },
  {
    promise: "the backoff doubles",
    file: "packages/millrace/src/adapter/backoff.ts",
    find: "const ceiling = Math.min(maxMs, minMs * 2 ** Math.min(attempt - 1, 30));\n  return Math.random() * ceiling;",
    put: "const ceiling = Math.min(maxMs, minMs * attempt);\n  return Math.random() * ceiling;",
    caughtBy: {
      file: "packages/millrace/src/router/failure.test.ts",
      title: "waits with full jitter up to a ceiling that doubles from minDelayMs to maxDelayMs",
    },
  },
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
];
