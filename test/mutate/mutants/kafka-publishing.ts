import type { Mutant } from "../mutant.ts";

/** Publishing to Kafka, and reading partitions. */
export const KAFKA_PUBLISHING: readonly Mutant[] = [
  {
    promise: "OUT_OF_ORDER_SEQUENCE_NUMBER is not read as written",
    file: "packages/kafka/src/batch-answer.ts",
    find: 'OUT_OF_ORDER_SEQUENCE_NUMBER: "renumber"',
    put: 'OUT_OF_ORDER_SEQUENCE_NUMBER: "written"',
    caughtBy: {
      file: "packages/kafka/src/batch-answer.test.ts",
      title: "asks for a fresh identity where the broker does not know the producer, or has not had what came before",
    },
  },
  {
    promise: "UNKNOWN_PRODUCER_ID is not read as written",
    file: "packages/kafka/src/batch-answer.ts",
    find: 'UNKNOWN_PRODUCER_ID: "renumber"',
    put: 'UNKNOWN_PRODUCER_ID: "written"',
    caughtBy: {
      file: "packages/kafka/src/batch-answer.test.ts",
      title: "asks for a fresh identity where the broker does not know the producer, or has not had what came before",
    },
  },
  {
    promise: "NOT_ENOUGH_REPLICAS is not read as written",
    file: "packages/kafka/src/batch-answer.ts",
    find: 'NOT_ENOUGH_REPLICAS: "again"',
    put: 'NOT_ENOUGH_REPLICAS: "written"',
    caughtBy: { file: "packages/kafka/src/batch-answer.test.ts", title: "tries again where another broker leads, or too few replicas are there" },
  },
  {
    promise: "NOT_ENOUGH_REPLICAS_AFTER_APPEND is in doubt",
    file: "packages/kafka/src/batch-answer.ts",
    find: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND: "doubtful"',
    put: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND: "refused"',
    caughtBy: { file: "packages/kafka/src/batch-answer.test.ts", title: "leaves in doubt what the broker may have written and did not say so" },
  },
  {
    promise: "no answer for a partition is in doubt",
    file: "packages/kafka/src/batch-answer.ts",
    find: 'answer === undefined ? "NETWORK_EXCEPTION"',
    put: 'answer === undefined ? "NONE"',
    caughtBy: { file: "packages/kafka/src/batch-answer.test.ts", title: "leaves in doubt what the broker may have written and did not say so" },
  },
  {
    promise: "a repeat that the broker knows is written",
    file: "packages/kafka/src/batch-answer.ts",
    find: 'DUPLICATE_SEQUENCE_NUMBER: "written"',
    put: 'DUPLICATE_SEQUENCE_NUMBER: "refused"',
    caughtBy: {
      file: "packages/kafka/src/batch-answer.test.ts",
      title: "says that it is written only without an error, or where the broker knows it for a repeat of the last one",
    },
  },
  {
    promise: "an error that is not known is not read as written",
    file: "packages/kafka/src/batch-answer.ts",
    find: 'KINDS[id] ?? "refused"',
    put: 'KINDS[id] ?? "written"',
    caughtBy: {
      file: "packages/kafka/src/batch-answer.test.ts",
      title: "says that it is written only without an error, or where the broker knows it for a repeat of the last one",
    },
  },
  {
    promise: "acks all is all in-sync replicas",
    file: "packages/kafka/src/publisher.ts",
    find: 'acks: acks === "all" ? -1 : 1',
    put: "acks: 1",
    caughtBy: {
      file: "packages/kafka/src/confirmed.test.ts",
      title: "is what all in-sync replicas have, and the broker removes repeats of it, where nothing else is said",
    },
  },
  {
    promise: "publishing is idempotent by default",
    file: "packages/kafka/src/publisher.ts",
    find: 'idempotent = acks === "all" } = options;',
    put: "idempotent = false } = options;",
    caughtBy: {
      file: "packages/kafka/src/confirmed.test.ts",
      title: "is what all in-sync replicas have, and the broker removes repeats of it, where nothing else is said",
    },
  },
  {
    promise: "a batch that got no answer keeps its number",
    file: "packages/kafka/src/partition-queue.ts",
    find: "    if (batch === undefined || batch.bytes !== undefined) return batch;\n    batch.identity",
    put: "    if (batch === undefined) return batch;\n    batch.identity",
    caughtBy: { file: "packages/kafka/src/partition-queue.test.ts", title: "is repeated byte for byte, under its number, whatever has come since" },
  },
  {
    promise: "what was on the wire is repeated byte for byte: nothing is added to it",
    file: "packages/kafka/src/partition-queue.ts",
    find: "if (batch === undefined || batch.bytes !== undefined || (batch.builder.count",
    put: "if (batch === undefined || (batch.builder.count",
    caughtBy: { file: "packages/kafka/src/partition-queue.test.ts", title: "is repeated byte for byte, under its number, whatever has come since" },
  },
  {
    promise: "a batch that is surely not in the log gives its number back",
    file: "packages/kafka/src/partition-queue.ts",
    find: "    if (batch.identity === this.identity) this.sequence = batch.sequence;\n",
    put: "",
    caughtBy: {
      file: "packages/kafka/src/partition-queue.test.ts",
      title: "has its number used again when it surely did not enter the log, and what is new under another producer begins anew",
    },
  },
  {
    promise: "what may be in the log is not taken out of its batch",
    file: "packages/kafka/src/partition-queue.ts",
    find: "      if (batch.bytes !== undefined) continue;\n      const rest",
    put: "      const rest",
    caughtBy: { file: "packages/kafka/src/partition-queue.test.ts", title: "keeps messages whose call has ended; before that they are taken out" },
  },
  {
    promise: "what a broker that keeps repeats has not answered is not sent again",
    file: "packages/kafka/src/outbox.ts",
    find: "if (fatal || (written && this.#rules.identity === undefined)) {",
    put: "if (fatal) {",
    caughtBy: { file: "packages/kafka/src/publishing.test.ts", title: "does not send again by itself where the broker does not remove repeats" },
  },
  {
    promise: "what the broker may have written is not sent again where it keeps repeats",
    file: "packages/kafka/src/outbox.ts",
    find: "if (this.#rules.identity === undefined) {\n          // Nobody",
    put: "if (false) {\n          // Nobody",
    caughtBy: {
      file: "packages/kafka/src/publishing.test.ts",
      title: "does not send again what the broker may have written, where it does not remove repeats",
    },
  },
  {
    promise: "what is too large takes no neighbour along",
    file: "packages/kafka/src/outbox.ts",
    find: "if (batch.builder.count > 1) {",
    put: "if (false) {",
    caughtBy: {
      file: "packages/kafka/src/publishing.test.ts",
      title: "rejects a message that is too large with MESSAGE_TOO_LARGE, and nothing but what comes behind it in its call",
    },
  },
  {
    promise: "a certificate is verified",
    file: "packages/kafka/src/wire/cluster.ts",
    find: "tls: tls === true ? {} : { ...tls }",
    put: "tls: { ...(tls === true ? {} : tls), rejectUnauthorized: false }",
    caughtBy: { file: "packages/kafka/src/tls.test.ts", title: "is spoken to only when its certificate is trusted and names the host" },
  },
  {
    promise: "OFFSET_OUT_OF_RANGE leads to the first record that is left, not to the end",
    file: "packages/kafka/src/fetch-loop.ts",
    find: "        logStartOffset >= 0\n          ? logStartOffset\n          : await offsetsAt(this.#cluster, topic, [partition.index], -2n, committedOnly)",
    put: "        await offsetsAt(this.#cluster, topic, [partition.index], -1n, committedOnly)",
    caughtBy: { file: "packages/kafka/src/reading.test.ts", title: "goes on at the first record that is left when those were deleted at which it stood" },
  },
  {
    promise: "a log that was cut off is read on where it was cut off",
    file: "packages/kafka/src/fetch-loop.ts",
    find: "if (each.cutOffAt !== undefined && each.cutOffAt >= 0) this.#hooks.onCutOff(partition, each.cutOffAt);\n      else if",
    put: "if",
    caughtBy: {
      file: "packages/kafka/src/fetch-loop.test.ts",
      title: "tells the broker by which leader the last record was written, and goes back to where a log was cut off",
    },
  },
  {
    promise: "the broker is told by which leader the last record was written",
    file: "packages/kafka/src/fetch-loop.ts",
    find: "lastEpoch: each.epochBefore(each.position),",
    put: "lastEpoch: -1,",
    caughtBy: {
      file: "packages/kafka/src/fetch-loop.test.ts",
      title: "tells the broker by which leader the last record was written, and goes back to where a log was cut off",
    },
  },
  {
    promise: "a topic made anew is not read on as the old one",
    file: "packages/kafka/src/fetch-loop.ts",
    find: "if (info !== undefined && info.id !== this.#hooks.topicId()) {",
    put: "if (false) {",
    caughtBy: { file: "packages/kafka/src/fetch-loop.test.ts", title: "reads nothing of another topic of the same name" },
  },
  {
    promise: "partitions share an answer fairly",
    file: "packages/kafka/src/fetch-loop.ts",
    find: "      partitions.sort((one, other) => one.served - other.served);\n",
    put: "",
    caughtBy: {
      file: "packages/kafka/src/fetch-loop.test.ts",
      title: "asks first for the partitions that got nothing last time, so that all get their share of an answer that does not hold all",
    },
  },
  {
    promise: "a partition stops at its gap",
    file: "packages/kafka/src/dispenser.ts",
    find: "    if (partition.gap >= this.#rules.maxGap) {",
    put: "    if (false) {",
    caughtBy: { file: "packages/kafka/src/reading.test.ts", title: "pauses one partition at the gap, says so, and goes on with the others" },
  },
];
