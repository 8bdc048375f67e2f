import type { Mutant } from "../mutant.ts";

/** The life of a subscription: flushing, closing, healing. */
export const ADAPTER_LIFE: readonly Mutant[] = [
  {
    promise: "flush waits for the broker",
    file: "packages/millrace/src/adapter/settlements.ts",
    find: "await session.settle(batch, final);",
    put: "void session.settle(batch, final);",
    caughtBy: { file: "packages/millrace/src/adapter/settling.test.ts", title: "resolves when every verdict so far is durable" },
  },
  {
    promise: "flush names what is not durable",
    file: "packages/millrace/src/adapter/settlements.ts",
    find: "throw failure instanceof SettleError ? failure : this.#failure(failure);",
    put: "",
    caughtBy: { file: "packages/millrace/src/adapter/settling.test.ts", title: "rejects with a SettleError that names what is not durable, and keeps it" },
  },
  {
    promise: "flush tells of acks that were lost with their deliveries",
    file: "packages/millrace/src/adapter/settlements.ts",
    find: "for (const { message } of gone) this.#tellFlushes(message);",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/adapter/settling.test.ts",
      title: "on deliveries that are lost while their batch is under way are not offered again, and flush says so once",
    },
  },
  {
    promise: "verdicts that are refused again and again never spin",
    file: "packages/millrace/src/adapter/settlements.ts",
    find: "const RETRY_MS = 250;",
    put: "const RETRY_MS = 0;",
    caughtBy: { file: "packages/millrace/src/adapter/settling.test.ts", title: "that are refused again and again never spin, whatever has gathered" },
  },
  {
    promise: "close waits for what is in flight",
    file: "packages/millrace/src/adapter/adapter-subscription.ts",
    find: "if (deliveries.inFlight.size > 0 && !this.#patience.over) await this.#patience.wait(deliveries.calm);",
    put: "",
    caughtBy: { file: "packages/millrace/src/adapter/closing.test.ts", title: "gives back what was not handed out, waits for what was, flushes, and closes" },
  },
  {
    promise: "what is unsettled at the drain's deadline is given back",
    file: "packages/millrace/src/adapter/adapter-subscription.ts",
    find: "    deliveries.giveUp();\n",
    put: "",
    caughtBy: { file: "packages/millrace/src/adapter/closing.test.ts", title: "aborts and gives back, uncounted, what is unsettled at its deadline" },
  },
  {
    promise: "close says what could not be made durable",
    file: "packages/millrace/src/adapter/adapter-subscription.ts",
    find: "if (failure !== undefined) throw failure;",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/adapter/closing.test.ts",
      title: "rejects with a SettleError, logs it, and is closed all the same when verdicts cannot be made durable",
    },
  },
  {
    promise: "close ends although a session's close never does",
    file: "packages/millrace/src/adapter/adapter-subscription.ts",
    find: "(deadline) => deadline.wait(this.#supervisor.stop())",
    put: "() => this.#supervisor.stop()",
    caughtBy: { file: "packages/millrace/src/adapter/closing.test.ts", title: "ends although a session's close never does" },
  },
  {
    promise: "a dispose gives back at once",
    file: "packages/millrace/src/adapter/adapter-subscription.ts",
    find: "await this.drain({ timeoutMs: 0 });",
    put: "await this.drain();",
    caughtBy: { file: "packages/millrace/src/adapter/closing.test.ts", title: "gives back at once what is unsettled, and flushes" },
  },
  {
    promise: "subscribe gives up at its signal",
    file: "packages/millrace/src/adapter/adapter-subscription.ts",
    find: 'signal?.addEventListener("abort", giveUp, { once: true });',
    put: "",
    caughtBy: {
      file: "packages/millrace/src/adapter/supervision.test.ts",
      title: "gives up at its signal while the first session is being opened, and closes what still comes",
    },
  },
  {
    promise: "the signal of a subscription ends it",
    file: "packages/millrace/src/adapter/adapter-subscription.ts",
    find: 'signal.addEventListener("abort", onAbort, { once: true });',
    put: "",
    caughtBy: { file: "packages/millrace/src/adapter/iterator.test.ts", title: "ends normally when the subscribe signal aborts" },
  },
  {
    promise: "a broken session is followed by another, for ever",
    file: "packages/millrace/src/adapter/supervisor.ts",
    find: "this.#reopening = reopening;",
    put: "this.#stop.abort();",
    caughtBy: { file: "packages/millrace/src/adapter/supervision.test.ts", title: "goes on with another one, shows it, and says so in the log" },
  },
  {
    promise: "an error that cannot heal ends the subscription",
    file: "packages/millrace/src/adapter/supervisor.ts",
    find: "if (MillraceError.is(error) && !error.retryable) {",
    put: "if (false) {",
    caughtBy: {
      file: "packages/millrace/src/adapter/supervision.test.ts",
      title: "ends for good at an error that cannot heal, once, and nobody has to listen",
    },
  },
  {
    promise: "nothing is heard from a session that is gone",
    file: "packages/millrace/src/adapter/live-intake.ts",
    find: "if (this.#live) this.#owner.deliver(message);",
    put: "this.#owner.deliver(message);",
    caughtBy: { file: "packages/millrace/src/adapter/supervision.test.ts", title: "hears nothing any more from a session that is gone" },
  },
  {
    promise: "the wait between tries to reconnect doubles up to its cap",
    file: "packages/millrace/src/adapter/backoff.ts",
    find: "const ceiling = Math.min(maxMs, minMs * 2 ** Math.min(attempt - 1, 30));\n  return ceiling / 2",
    put: "const ceiling = minMs;\n  return ceiling / 2",
    caughtBy: { file: "packages/millrace/src/adapter/supervision.test.ts", title: "waits longer from try to try, up to the cap, with jitter of at most half" },
  },
  {
    promise: "undecodable bytes go to the dead letter",
    file: "packages/millrace/src/adapter/deliveries.ts",
    find: "await deadLetter?.({ ...record, topic: this.#topic });",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/adapter/supervision.test.ts",
      title: "counts records that could not be decoded, logs them with topic and position, and sends them raw to the dead letter",
    },
  },
  {
    promise: "undecodable bytes are counted in health",
    file: "packages/millrace/src/adapter/deliveries.ts",
    find: "    this.#status.undecodable(position);\n",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/adapter/supervision.test.ts",
      title: "counts records that could not be decoded, logs them with topic and position, and sends them raw to the dead letter",
    },
  },
  {
    promise: "a time that cannot be read is refused, not taken for none",
    file: "packages/millrace/src/adapter/publish-delay.ts",
    find: "throw new MillraceError(`${DELAYED_UNTIL_KEY} must be",
    put: "return undefined;\n  throw new MillraceError(`${DELAYED_UNTIL_KEY} must be",
    caughtBy: { file: "packages/millrace/src/adapter/publish-delay.test.ts", title: "refuses a time that cannot be read, instead of taking it for none" },
  },
  {
    promise: "a delay that the broker cannot keep is refused",
    file: "packages/millrace/src/adapter/publish-delay.ts",
    find: "if (due === undefined || due - wallMs() <= longestMs) return undefined;",
    put: "return undefined;",
    caughtBy: {
      file: "packages/millrace/src/adapter/publish-delay.test.ts",
      title: "refuses the first message beyond it by itself: what is before it is sent, what is behind it is not",
    },
  },
];
