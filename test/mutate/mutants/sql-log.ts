import type { Mutant } from "../mutant.ts";

/** The log on SQLite: its numbers, its writers, delays. */
export const SQL_LOG: readonly Mutant[] = [
  {
    promise: "numbers that begin anew are noticed",
    file: "packages/sql/src/sqlite/numbering.ts",
    find: "if (topic.lastOffset >= seenEnd && !contradicts(topic, witness)) return false;",
    put: "return false;",
    caughtBy: { file: "packages/sql/src/numbers-anew.test.ts", title: "delivers them when its table was dropped and made again" },
  },
  {
    promise: "retention keeps what a group still needs",
    file: "packages/sql/src/sqlite/purge.ts",
    find: "if (rule.includeUnread !== true && needed !== null) upto",
    put: "if (false) upto",
    caughtBy: { file: "packages/sql/src/purge.test.ts", title: "keeps the newest, and deletes what a group needs only when asked" },
  },
  {
    promise: "retention keeps new messages until a group has noticed that numbers began anew",
    file: "packages/sql/src/sqlite/purge.ts",
    find: "Math.min(upto, begunAnew ? 0 : needed)",
    put: "Math.min(upto, needed)",
    caughtBy: { file: "packages/sql/src/numbers-anew.test.ts", title: "keeps new messages from retention until the group has noticed" },
  },
  {
    promise: "one bad call does not cost the others theirs",
    file: "packages/sql/src/log-writer.ts",
    find: "else if (this.#collected.length > 1) this.#alone = this.#collected.length + 1;\n",
    put: 'else if (this.#collected.length > 1) for (const call of this.#collected) decide(call, "rejected");\n',
    caughtBy: {
      file: "packages/sql/src/log-writer.test.ts",
      title: "tries the calls of a failed transaction one by one, so that only the bad one fails, and later ones together again",
    },
  },
  {
    promise: "a commit that failed is unknown, not rejected",
    file: "packages/sql/src/sqlite/sqlite-log.ts",
    find: 'if (unknown) Object.defineProperty(told, "outcomeUnknown", { value: true });',
    put: "",
    caughtBy: { file: "packages/sql/src/error-codes.test.ts", title: "says unknown of messages whose COMMIT failed: they may be in the file" },
  },
  {
    promise: "what is in an open transaction when a call is aborted is unknown",
    file: "packages/sql/src/log-writer.ts",
    find: "      if (sent) call.sent(call.next, call.count - call.next);\n      else call.unsent",
    put: "      if (!sent) call.unsent",
    caughtBy: {
      file: "packages/sql/src/log-writer.test.ts",
      title: "leaves unknown what is aborted while its transaction is open, and rejects what is in none",
    },
  },
  {
    promise: "calls under way at once share a commit",
    file: "packages/sql/src/log-writer.ts",
    find: "const MOST_CALLS = 1000;",
    put: "const MOST_CALLS = 1;",
    caughtBy: { file: "packages/sql/src/sql-pub-sub.test.ts", title: "puts the calls under way at once into one commit" },
  },
  {
    promise: "a publisher's close waits for its transaction",
    file: "packages/sql/src/publisher.ts",
    find: "        await writer.idle();\n",
    put: "",
    caughtBy: {
      file: "packages/sql/src/log-writer.test.ts",
      title: "leaves unknown what is in a transaction when its time is up, and closes only when that has ended",
    },
  },
  {
    promise: "a locked database is waited for",
    file: "packages/sql/src/sqlite/database-error.ts",
    find: "return code === 5 || code === 6 ||",
    put: "return code === 6 ||",
    caughtBy: { file: "packages/sql/src/faults.test.ts", title: "makes publish wait without blocking the event loop, and confirms when the lock is gone" },
  },
  {
    promise: "undecodable rows keep their place until their dead letter has them",
    file: "packages/millrace/src/adapter/pulling/undecodables.ts",
    find: "(failure: unknown) => this.#tryAgain(entry, error, attempt, failure),",
    put: "() => {\n        this.#hooks.onPassed(entry, false);\n        this.#forget(entry);\n      },",
    caughtBy: {
      file: "packages/sql/src/undecodable.test.ts",
      title: "holds the group's position until its dead letter has it, also through a change of members",
    },
  },
  {
    promise: "a delayed row is not let in before its time",
    file: "packages/sql/src/sqlite/promote-due.ts",
    find: "WHERE due_ms <= ? AND",
    put: "WHERE due_ms <= ? + 3600000 AND",
    caughtBy: {
      file: "packages/sql/src/delay.test.ts",
      title: "is not let in while the clock stands before its time, however long that takes, and is when it comes",
    },
  },
  {
    promise: "delayed rows enter in the order of their times",
    file: "packages/sql/src/sqlite/promote-due.ts",
    find: "ORDER BY due_ms, id LIMIT ?",
    put: "ORDER BY id LIMIT ?",
    caughtBy: { file: "packages/sql/src/delay.test.ts", title: "enter the log when they are due, in the order of their times, and hold nobody up" },
  },
  {
    promise: "a delayed row enters once",
    file: "packages/sql/src/sqlite/promote-due.ts",
    find: '    connection.statement("DELETE FROM millrace_delayed WHERE id = ?").run(id);\n',
    put: "",
    caughtBy: { file: "packages/sql/src/delay.test.ts", title: "enter the log when they are due, in the order of their times, and hold nobody up" },
  },
  {
    promise: "an outbox publish is part of the caller's transaction",
    file: "packages/sql/src/sqlite/within.ts",
    find: "    if (inTransaction(database) === false) throw noTransaction();\n",
    put: "",
    caughtBy: { file: "packages/sql/src/within.test.ts", title: "refuses with NO_TRANSACTION when none is open" },
  },
  {
    promise: "the key travels beside Watermill's metadata",
    file: "packages/sql/src/codec.ts",
    find: "goJsonMap(entriesWithKey(metadata, key))",
    put: "goJsonMap(metadata)",
    caughtBy: { file: "packages/sql/src/codec.test.ts", title: "writes the key as metadata millrace_key only when it is set, and takes it out on reading" },
  },
  {
    promise: "a group cannot be moved while its member holds messages",
    file: "packages/sql/src/sqlite/sqlite-admin.ts",
    find: 'if (leases.includes("held")) throw groupBusy(topic, name, "its members hold messages");',
    put: "",
    caughtBy: { file: "packages/sql/src/leases.test.ts", title: "lets nobody move a group whose member holds messages" },
  },
];
