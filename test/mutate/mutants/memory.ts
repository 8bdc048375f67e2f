import type { Mutant } from "../mutant.ts";

/** The pub/sub in memory. */
export const MEMORY: readonly Mutant[] = [
  {
    promise: "a full topic makes publishers wait",
    file: "packages/millrace/src/memory/publish-queue.ts",
    find: "      if (this.#topic.load >= bound) return false;\n",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/memory/back-pressure.test.ts",
      title: "makes publishers wait for room, first come first served, while other topics go on",
    },
  },
  {
    promise: "who publishes to his own full topic does not lock himself up",
    file: "packages/millrace/src/memory/publish-queue.ts",
    find: "    this.#mark(true);\n    this.#moveOn(this.#bound * OVERFLOW);",
    put: "    this.#watch();\n    if (this.#bound > 0) return;",
    caughtBy: {
      file: "packages/millrace/src/memory/back-pressure.test.ts",
      title: "lets a publish over the mark when no verdict came for 50 ms, and health shows it until there is room again",
    },
  },
  {
    promise: "at sixteen times its bound a topic refuses",
    file: "packages/millrace/src/memory/publish-queue.ts",
    find: "export const OVERFLOW = 16;",
    put: "export const OVERFLOW = 64;",
    caughtBy: { file: "packages/millrace/src/memory/back-pressure.test.ts", title: "refuses at sixteen times its bound, and says what became of each message" },
  },
  {
    promise: "the signal of a publish that waits for room ends it",
    file: "packages/millrace/src/memory/publish-queue.ts",
    find: 'signal?.addEventListener("abort", onAbort, { once: true });',
    put: "",
    caughtBy: {
      file: "packages/millrace/src/memory/back-pressure.test.ts",
      title: "rejects when it is aborted, naming what was confirmed, and the next one takes its turn",
    },
  },
  {
    promise: "publishers that wait hear of the close",
    file: "packages/millrace/src/memory/publish-queue.ts",
    find: '      entry.done.reject(entry.batch.refusal("CLOSED", "the pub/sub closed while the publish waited for room"));',
    put: "",
    caughtBy: { file: "packages/millrace/src/memory/back-pressure.test.ts", title: "rejects when the pub/sub closes" },
  },
  {
    promise: "what is given back keeps its place",
    file: "packages/millrace/src/memory/memory-group.ts",
    find: "    all.sort((one, other) => one.receipt.offset - other.receipt.offset);\n",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/memory/delivery.test.ts",
      title: "gives what two members gave back to a third in its old order, whoever closed first",
    },
  },
  {
    promise: "what is given back is handed out before what is new",
    file: "packages/millrace/src/memory/memory-group.ts",
    find: "    if (this.#returned.size > 0) return this.#returned.shift();\n    const fresh",
    put: "    if (this.#returned.size > 0 && this.#fresh.size === 0) return this.#returned.shift();\n    const fresh",
    caughtBy: {
      file: "packages/millrace/src/memory/delivery.test.ts",
      title: "gives unsettled messages of a closed member to another one, in their old place",
    },
  },
  {
    promise: "a publish that waits for acks waits for every group",
    file: "packages/millrace/src/memory/memory-topic.ts",
    find: "entry.acks?.put(this.#all.length);",
    put: "entry.acks?.put(Math.min(1, this.#all.length));",
    caughtBy: { file: "packages/millrace/src/memory/until-ack.test.ts", title: "resolves when every group has acked, nacks included in the wait" },
  },
  {
    promise: "a delayed message is never early",
    file: "packages/millrace/src/memory/memory-topic.ts",
    find: "    if (dueMs === 0) {",
    put: "    if (dueMs >= 0) {",
    caughtBy: {
      file: "packages/millrace/src/memory/delay.test.ts",
      title: "is held back until it is due, for every group, and never comes a millisecond early or late",
    },
  },
  {
    promise: "messages of one moment keep their order",
    file: "packages/millrace/src/memory/due-heap.ts",
    find: "return one.dueMs < other.dueMs || (one.dueMs === other.dueMs && one.turn < other.turn);",
    put: "return one.dueMs < other.dueMs;",
    caughtBy: {
      file: "packages/millrace/src/memory/due-heap.test.ts",
      title: "gives the earliest first, and of one moment the first that came, whatever is put and taken in between",
    },
  },
  {
    promise: "a clock that is set back lets nothing in early",
    file: "packages/millrace/src/memory/delayed-messages.ts",
    find: "if (first.dueMs > wallMs()) break;",
    put: "",
    caughtBy: { file: "packages/millrace/src/memory/delayed-messages.test.ts", title: "wait again when the clock of the machine is set back" },
  },
  {
    promise: "a clock that is set forward is noticed",
    file: "packages/millrace/src/memory/delayed-messages.ts",
    find: "const waitMs = Math.min(leftMs, Math.max(leftMs / 100, 1000));",
    put: "const waitMs = leftMs;",
    caughtBy: {
      file: "packages/millrace/src/memory/delay.test.ts",
      title: "are no more than a hundredth of their delay late, or a second, when the clock of the machine is set forward",
    },
  },
  {
    promise: "a persistent topic remembers each group's position",
    file: "packages/millrace/src/memory/memory-topic.ts",
    find: "kept || (this.#log !== undefined && name !== undefined)",
    put: "kept",
    caughtBy: {
      file: "packages/millrace/src/memory/delivery.test.ts",
      title: "remembers each group's position while it lives, and none for readers without a group",
    },
  },
  {
    promise: "what nobody has subscribed to is not dropped in silence",
    file: "packages/millrace/src/memory/memory-topic.ts",
    find: "if (this.#all.length === 0 && this.#log === undefined) this.#rules.losses.dropped(this.name);",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/memory/losses.test.ts",
      title: "is gone with one warning a topic that says how to keep it, and lines for debugging",
    },
  },
  {
    promise: "close says what confirmed messages it forgets",
    file: "packages/millrace/src/memory/forgotten.ts",
    find: "if (entry.fate !== FORGOTTEN) tally.count++;",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/memory/losses.test.ts",
      title: "counts a message once however many groups have not settled it, members in hand and groups without members included",
    },
  },
  {
    promise: "a closed pub/sub takes nothing more",
    file: "packages/millrace/src/memory/memory-pubsub.ts",
    find: 'if (this.#closing !== undefined) throw batch.refusal("CLOSED", CLOSED);',
    put: "",
    caughtBy: {
      file: "packages/millrace/src/memory/life.test.ts",
      title: "refuses a publish while it still waits for a reader: nothing is accepted and dropped",
    },
  },
  {
    promise: "the settled prefix stops at the first message that is not settled",
    file: "packages/millrace/src/memory/settled-prefix.ts",
    find: "      if ((word & bit) === 0) return;\n",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/memory/settled-prefix.test.ts",
      title: "is the last offset before the first that is not settled, whatever the order",
    },
  },
  {
    promise: "publishing takes a snapshot of the metadata",
    file: "packages/millrace/src/memory/stored.ts",
    find: "metadata === undefined || metadata.size === 0 ? undefined : new TextMap(metadata);",
    put: "metadata === undefined || metadata.size === 0 ? undefined : (metadata as TextMap);",
    caughtBy: { file: "packages/millrace/src/memory/delivery.test.ts", title: "takes a snapshot of metadata at publish, and shares the payload bytes" },
  },
  {
    promise: "close drains the subscriptions",
    file: "packages/millrace/src/memory/memory-pubsub.ts",
    find: "      await this.#open.close();\n",
    put: "      void this.#open.close();\n",
    caughtBy: { file: "packages/millrace/src/memory/losses.test.ts", title: "does not count messages whose publishers are told that it is unknown" },
  },
];
