import type { Mutant } from "../mutant.ts";

/** Results, verdicts and dead letters in the router. */
export const ROUTER_VERDICTS: readonly Mutant[] = [
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
    find: "Math.max(wishedMs ?? backoffMs(attempt, this.#policy, 0), retryAfterMs(error) ?? 0)",
    put: "Math.max(wishedMs ?? backoffMs(attempt, this.#policy, 0), 0)",
    caughtBy: { file: "packages/millrace/src/router/due-and-topics.test.ts", title: "asks for no attempt before that, where the backoff would be shorter" },
  },
  {
    promise: "a message waits for the verdict of the one before it",
    file: "packages/millrace/src/router/judge.ts",
    find: "return call.before !== undefined || call.inner !== undefined || call.overtaken;",
    put: "return call.inner !== undefined || call.overtaken;",
    caughtBy: {
      file: "packages/millrace/src/router/way-back.test.ts",
      title: "and settles them in that order, although middleware holds the first one longer",
    },
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
    promise: "a redelivery of what succeeded is acked without a second call",
    file: "packages/millrace/src/router/judge.ts",
    find: "if (token !== undefined) this.#desk.lost.end(token, call, true, this.#desk.orderOf(call.message));",
    put: "if (token !== undefined) this.#desk.lost.end(token, call, false, this.#desk.orderOf(call.message));",
    caughtBy: {
      file: "packages/millrace/src/router/dead-letter.test.ts",
      title: "a message whose dead letter is confirmed, and which cannot be acked, comes again and is acked without another call or letter",
    },
  },
  {
    promise: "undecodable bytes are dead-lettered with backoff until it works",
    file: "packages/millrace/src/router/judge.ts",
    find: "await this.#desk.pause(backoffMs(attempt, this.#policy, 0));",
    put: "return;",
    caughtBy: {
      file: "packages/millrace/src/router/dead-letter.test.ts",
      title: "bytes that cannot be decoded are offered to their dead letter again, with a wait between, until it has them",
    },
  },
  {
    promise: "the default policy gives up after 10 attempts",
    file: "packages/millrace/src/router/failure-policy.ts",
    find: "attempts: 10,",
    put: "attempts: 3,",
    caughtBy: {
      file: "packages/millrace/src/router/failure-policy.test.ts",
      title: "gives up after 10 hand-outs, and waits between 100 ms and 30 s, where it says nothing else",
    },
  },
  {
    promise: "the default policy waits at most 30 s",
    file: "packages/millrace/src/router/failure-policy.ts",
    find: "maxDelayMs: 30_000,",
    put: "maxDelayMs: 300_000,",
    caughtBy: {
      file: "packages/millrace/src/router/failure-policy.test.ts",
      title: "gives up after 10 hand-outs, and waits between 100 ms and 30 s, where it says nothing else",
    },
  },
  {
    promise: "the backoff doubles",
    file: "packages/millrace/src/internal/backoff.ts",
    find: "multiplier ** (failures - 1)",
    put: "multiplier * failures",
    caughtBy: {
      file: "packages/millrace/src/router/failure.test.ts",
      title: "waits with full jitter up to a ceiling that doubles from minDelayMs to maxDelayMs",
    },
  },
];
