import type { Mutant } from "../mutant.ts";

/** Relays, the forwarder, delayed messages, fan-out. */
export const RELAY: readonly Mutant[] = [
  {
    promise: "confirmed messages of a failed run are not sent again",
    file: "packages/millrace/src/relay/passage.ts",
    find: '      if (outcome === "confirmed") this.#passed(parcel);\n      else if',
    put: "      if",
    caughtBy: {
      file: "packages/millrace/src/relay/culprit.test.ts",
      title: "may be told from the others by the publisher: confirmed ones are never sent again, unknown ones in order",
    },
  },
  {
    promise: "what is behind a failed one of its key is not sent",
    file: "packages/millrace/src/relay/passage.ts",
    find: "if (key !== undefined) this.#stopped.add(key);",
    put: "",
    caughtBy: { file: "packages/millrace/src/relay/culprit.test.ts", title: "keeps only its own key waiting, above one at a time" },
  },
  {
    promise: "what was taken back before its turn is not sent",
    file: "packages/millrace/src/relay/passage.ts",
    find: 'if (verdict === undefined || verdict === "acked") return true;',
    put: 'if (verdict !== "nacked") return true;',
    caughtBy: {
      file: "packages/millrace/src/relay/passage.test.ts",
      title: "does not send what was lost or given back before its turn, nor what is behind it, and never lets it pass for relayed",
    },
  },
  {
    promise: "an outage is no message's fault",
    file: "packages/millrace/src/relay/publish-fault.ts",
    find: "return MillraceError.is(error) && OF_THE_TARGET.has(error.code);",
    put: "return false;",
    caughtBy: {
      file: "packages/millrace/src/relay/culprit.test.ts",
      title: "gives nothing to the dead letter, costs one call an attempt, and gets everything in order when it is back",
    },
  },
  {
    promise: "an unknown outcome is no refusal",
    file: "packages/millrace/src/relay/passage.ts",
    find: 'const outage = isOfTheTarget(error) || outcomesOf(error)?.[0] === "unknown";',
    put: "const outage = isOfTheTarget(error);",
    caughtBy: { file: "packages/millrace/src/relay/culprit.test.ts", title: "gives nothing to the dead letter either when it is not known what it has taken" },
  },
  {
    promise: "an outage uses up no attempt",
    file: "packages/millrace/src/relay/troubles.ts",
    find: "if (refused && attempt !== trouble.attempt) trouble.refusals++;",
    put: "if (attempt !== trouble.attempt) trouble.refusals++;",
    caughtBy: { file: "packages/millrace/src/relay/culprit.test.ts", title: "uses up no attempt of a message that is refused when it is back" },
  },
  {
    promise: "a permanent failure of a run takes no neighbour along",
    file: "packages/millrace/src/relay/publish-fault.ts",
    find: "  if (!isPermanent(error)) return error;\n  const text",
    put: "  if (error !== undefined) return error;\n  const text",
    caughtBy: { file: "packages/millrace/src/relay/culprit.test.ts", title: "takes nobody along when its error is permanent" },
  },
  {
    promise: "a message that does not get through shows in health after 5 s",
    file: "packages/millrace/src/relay/troubles.ts",
    find: "const FAILING_AFTER_MS = 5_000;",
    put: "const FAILING_AFTER_MS = 500_000;",
    caughtBy: {
      file: "packages/millrace/src/relay/health.test.ts",
      title: "says failing, and which message does not get through, when one has not for 5 s, however few its attempts",
    },
  },
  {
    promise: "what is before a bad envelope is sent before that fails",
    file: "packages/millrace/src/relay/passage.ts",
    find: "        await this.#sendRun();\n        if (this.#mayGo(received, key)) this.#refused(received, key, error);",
    put: "        if (this.#mayGo(received, key)) this.#refused(received, key, error);",
    caughtBy: { file: "packages/millrace/src/relay/passage.test.ts", title: "sends what is before a message that cannot be opened before it fails that one" },
  },
  {
    promise: "a run of another topic is a call of its own",
    file: "packages/millrace/src/relay/passage.ts",
    find: "if (alone || this.#run[0]?.topic !== addressed.topic) await this.#sendRun();",
    put: "if (alone) await this.#sendRun();",
    caughtBy: {
      file: "packages/millrace/src/forwarder/forwarder.test.ts",
      title: "brings messages to the topics they name, in order and batched by runs of one topic",
    },
  },
  {
    promise: "an envelope keeps the key's bytes",
    file: "packages/millrace/src/forwarder/envelope.ts",
    find: "  const [name, value] = keyEntry(key);\n",
    put: "  const [name, value] = [KEY_FIELD, key];\n",
    caughtBy: { file: "packages/millrace/src/forwarder/envelope.test.ts", title: "carries a key that is no text without loss" },
  },
  {
    promise: "what is no envelope is refused for good",
    file: "packages/millrace/src/forwarder/envelope.ts",
    find: 'if (topic === "") throw bad(message, "it names no destination topic");',
    put: "",
    caughtBy: { file: "packages/millrace/src/forwarder/envelope.test.ts", title: "reads what Watermill reads, and refuses what it refuses: empty destination" },
  },
  {
    promise: "an envelope keeps what is native to a broker",
    file: "packages/millrace/src/forwarder/envelope.ts",
    find: "return { topic, message: withNative(new Message(payload(fields.payload, message), options), writtenNative(fields.native)) };",
    put: "return { topic, message: new Message(payload(fields.payload, message), options) };",
    caughtBy: {
      file: "packages/kafka/src/codec.test.ts",
      title: "goes through an outbox, a missing value and the key 200, which is not the key 201, among them",
    },
  },
  {
    promise: "a fan-out acks upstream only after every branch",
    file: "packages/millrace/src/fan-out/share.ts",
    find: "    if (this.pending.size > 0) return;\n",
    put: "",
    caughtBy: { file: "packages/millrace/src/fan-out/fan-out.test.ts", title: "acks upstream only after every branch has" },
  },
  {
    promise: "what a closing branch had not acked comes again",
    file: "packages/millrace/src/fan-out/share.ts",
    find: '    if (this.#dropped) this.#done.reject(handedBack("a branch of the fan-out closed before it had acked"));\n    else this.#done.resolve();',
    put: "    this.#done.resolve();",
    caughtBy: {
      file: "packages/millrace/src/fan-out/fan-out.test.ts",
      title: "gives back what a closing branch had not acked, so that those who stay see it again",
    },
  },
  {
    promise: "a message that upstream loses is lost in the branches",
    file: "packages/millrace/src/fan-out/share.ts",
    find: "    for (const branch of this.pending) branch.lose(this);\n",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/fan-out/fan-out.test.ts",
      title: "revokes deliveries in the branches when upstream loses the message, and gives it out again when it is back",
    },
  },
  {
    promise: "a delaying publisher sends nothing behind a failure",
    file: "packages/millrace/src/delay/delaying-publisher.ts",
    find: "        failure = error;\n        break;",
    put: "        failure = error;",
    caughtBy: {
      file: "packages/sql/src/delaying-publisher.test.ts",
      title: "tells by position what became of a call that goes both ways, and sends nothing behind a failure",
    },
  },
  {
    promise: "close waits for what is being parked",
    file: "packages/millrace/src/delay/delaying-publisher.ts",
    find: "    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);\n",
    put: "",
    caughtBy: { file: "packages/sql/src/delaying-publisher.test.ts", title: "waits at close for what is under way" },
  },
];
