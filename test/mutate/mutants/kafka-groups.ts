import type { Mutant } from "../mutant.ts";

/** Groups and transactions on Kafka. */
export const KAFKA_GROUPS: readonly Mutant[] = [
  {
    promise: "only the settled prefix is committed",
    file: "packages/kafka/src/partition-reader.ts",
    find: "return this.#window.peek()?.offset ?? this.#passed;",
    put: "return this.#passed;",
    caughtBy: {
      file: "packages/kafka/src/reading.test.ts",
      title: "commits the contiguous settled prefix, and notes what is settled beyond it, so that a new member repeats only the rest",
    },
  },
  {
    promise: "what is settled beyond the prefix is noted",
    file: "packages/kafka/src/commits.ts",
    find: "writeRanges(offset, partition.settledBeyond())",
    put: "writeRanges(offset, [])",
    caughtBy: {
      file: "packages/kafka/src/reading.test.ts",
      title: "commits the contiguous settled prefix, and notes what is settled beyond it, so that a new member repeats only the rest",
    },
  },
  {
    promise: "a broken batch is not stepped over before it is settled",
    file: "packages/kafka/src/partition-reader.ts",
    find: "    this.#unread.push(unread);\n",
    put: "",
    caughtBy: {
      file: "packages/kafka/src/partition-reader.test.ts",
      title: "does not step over a batch that cannot be read before that is settled, and gives it out again where it could not be put elsewhere",
    },
  },
  {
    promise: "a group's commits wait for a transaction",
    file: "packages/kafka/src/commits.ts",
    find: "      if (partition.deciding !== undefined) {\n        held.push(partition.deciding);\n        continue;\n      }\n",
    put: "",
    caughtBy: { file: "packages/kafka/src/transaction-faults.test.ts", title: "let a group's own commits wait until they are decided" },
  },
  {
    promise: "a partition that moves is drained before it is given up",
    file: "packages/kafka/src/handover.ts",
    find: "if (leaving().every(({ out }) => out === 0) || monotonicMs() >= deadline || this.#ended.aborted) break;",
    put: "break;",
    caughtBy: {
      file: "packages/kafka/src/groups.test.ts",
      title: "waits for the handlers of a partition that moves, commits, and only then gives it up; the others go on meanwhile",
    },
  },
  {
    promise: "a partition is given up when its budget is over",
    file: "packages/kafka/src/handover.ts",
    find: "monotonicMs() >= deadline || this.#ended.aborted) break;",
    put: "this.#ended.aborted) break;",
    caughtBy: {
      file: "packages/kafka/src/groups.test.ts",
      title: "gives a partition up when its budget is over; the late verdict answers false, and the message comes again elsewhere",
    },
  },
  {
    promise: "what comes back before it was given up goes on as it is",
    file: "packages/kafka/src/group-session.ts",
    find: "else partition.givenUpBy = undefined;",
    put: "else this.#handover.forget([partition]);",
    caughtBy: { file: "packages/kafka/src/rebalance.test.ts", title: "keep what they have in hand of a partition that was to move and comes back" },
  },
  {
    promise: "a heartbeat's REBALANCE_IN_PROGRESS while a join waits is no news",
    file: "packages/kafka/src/membership.ts",
    find: 'return this.#joining || generation !== this.generation ? "ok" : state;',
    put: "return state;",
    caughtBy: {
      file: "packages/kafka/src/membership.test.ts",
      title: "takes an answer about a round that it has joined meanwhile, or is joining, for no news; one about its own for what it is",
    },
  },
  {
    promise: "partitions that are added are read",
    file: "packages/kafka/src/group-session.ts",
    find: "if (grown && member.counts === counts) this.#rejoin();",
    put: "",
    caughtBy: { file: "packages/kafka/src/groups.test.ts", title: "reads partitions that are added while it reads" },
  },
  {
    promise: "partitions that are added are written to",
    file: "packages/kafka/src/sending.ts",
    find: "if (now - this.#lookedAt >= this.#topicRefreshMs) this.#lookAtTopics(now);",
    put: "",
    caughtBy: {
      file: "packages/kafka/src/rebalance.test.ts",
      title: "are written to by a publisher that knows the topic, and read by every group of a subscriber",
    },
  },
  {
    promise: "the cooperative assignor withholds what moves",
    file: "packages/kafka/src/assignor.ts",
    find: "holders[partition] === undefined || holders[partition] === memberId",
    put: "partition >= 0",
    caughtBy: { file: "packages/kafka/src/assignor.test.ts", title: "withholds what moves until its holder has let go of it, then gives it away" },
  },
  {
    promise: "a transaction that failed is aborted",
    file: "packages/kafka/src/transactor.ts",
    find: "      await this.#abort(failures);\n",
    put: "",
    caughtBy: {
      file: "packages/kafka/src/transaction-faults.test.ts",
      title: "leaves nothing open at the broker, whatever failed in it: readers go on at once, and so does the next transaction",
    },
  },
  {
    promise: "a commit of which nobody knows is unknown",
    file: "packages/kafka/src/transactor.ts",
    find: "if (committed === false) throw doubt;",
    put: "throw doubt;",
    caughtBy: { file: "packages/kafka/src/transaction-faults.test.ts", title: "is reported as unknown where no group tells" },
  },
  {
    promise: "a partition given up meanwhile is not acked by a transaction",
    file: "packages/kafka/src/transactor.ts",
    find: "      for (const message of acked) checkOurs(message);\n",
    put: "",
    caughtBy: {
      file: "packages/kafka/src/transaction-faults.test.ts",
      title: "do not move the position of a partition that was given up while they waited for it",
    },
  },
  {
    promise: "uncommitted records are hidden",
    file: "packages/kafka/src/subscriber.ts",
    find: 'return this.#options.isolation !== "uncommitted";',
    put: 'return this.#options.isolation === "committed";',
    caughtBy: { file: "packages/kafka/src/transactor.test.ts", title: "hides what is not committed from readers, unless they ask for it" },
  },
  {
    promise: "aborted records are stepped over",
    file: "packages/kafka/src/wire/record-cursor.ts",
    find: "return (attributes & TRANSACTIONAL) !== 0 && this.#abortedNow.has(producerId);",
    put: "return false;",
    caughtBy: { file: "packages/kafka/src/wire/batch.test.ts", title: "are stepped over where their transaction was aborted, and markers always" },
  },
  {
    promise: "undecodable records wait for their dead letter",
    file: "packages/kafka/src/dispenser.ts",
    find: "        partition.untake(unread);\n",
    put: "        partition.settle(unread);\n",
    caughtBy: {
      file: "packages/kafka/src/undecodable.test.ts",
      title: "is offered to the dead letter again when that failed, and is stepped over for good, also when nothing comes after it",
    },
  },
  {
    promise: "keys are placed as Java's clients place them",
    file: "packages/kafka/src/partitioners.ts",
    find: "(murmur2(key) & 0x7fffffff) % partitions",
    put: "Math.abs(murmur2(key)) % partitions",
    caughtBy: {
      file: "packages/kafka/src/partitioners.test.ts",
      title: "choose for a thousand keys, of any length and any bytes, what the client's copy of Java's choice would",
    },
  },
  {
    promise: "a key keeps its bytes",
    file: "packages/kafka/src/codec.ts",
    find: 'typeof given === "string" && isBinaryKey(given) ? keyBytes(given) : given;',
    put: "given;",
    caughtBy: { file: "packages/kafka/src/codec.test.ts", title: "is the message's, byte for byte, and its own text where it is none" },
  },
  {
    promise: "a wrong password is not tried for ever",
    file: "packages/kafka/src/kafka-error.ts",
    find: 'code: "AUTHENTICATION_FAILED",\n      cause,',
    put: 'code: "BROKER_UNREACHABLE",\n      retryable: true,\n      cause,',
    caughtBy: { file: "packages/kafka/src/failures.test.ts", title: "a wrong password is AUTHENTICATION_FAILED at once" },
  },
  {
    promise: "a new topic's leaders are awaited",
    file: "packages/kafka/src/topology.ts",
    find: "if (info !== undefined || monotonicMs() - madeAt < MAKE_AGAIN_MS) continue;",
    put: "continue;",
    caughtBy: { file: "packages/kafka/src/topology.test.ts", title: "makes a topic again that was deleted before anybody saw it" },
  },
];
