import { Message, MillraceError, type PublishError } from "millrace";
import { describe, expect, it } from "vitest";
import { capabilities } from "./capabilities.ts";
import type { Dialect, Log, NewRow } from "./dialect.ts";
import { SqlPublisher } from "./publisher.ts";

type Rows = readonly (readonly NewRow[])[];

/** A database whose transactions last: a test ends them. */
class SlowLog {
  readonly synchronous = false;
  readonly busy = false;
  /** What each transaction has inserted, in order. */
  readonly transactions: string[][] = [];
  collect: () => Rows = () => [];
  commit: (rows: number) => void = () => {};
  fail: (error: unknown) => void = () => {};

  append(collect: () => Rows): Promise<number> {
    this.collect = () => {
      const rows = collect();
      this.transactions.push(rows.flat().map(({ payload }) => new TextDecoder().decode(payload)));
      return rows;
    };
    this.collect();
    return new Promise((resolve, reject) => {
      this.commit = resolve;
      this.fail = reject;
    });
  }

  detached = false;

  checkTopic(): void {}

  detach(): void {
    this.detached = true;
  }
}

function open(options: { readonly maxWaiting?: number; readonly publishTimeoutMs?: number } = {}): { readonly log: SlowLog; readonly publisher: SqlPublisher } {
  const log = new SlowLog();
  const dialect: Dialect = { name: "slow", capabilities, attach: () => log as unknown as Log, appendWithin: () => {} };
  return { log, publisher: new SqlPublisher({ dialect, ...options }) };
}

const texts = (...all: string[]): Message[] => all.map((text) => new Message(text));
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

async function failureOf(publishing: Promise<void>): Promise<PublishError> {
  return await publishing.then(
    () => {
      throw new Error("it was confirmed");
    },
    (error: unknown) => error as PublishError,
  );
}

describe("a log whose transactions last", () => {
  it("leaves unknown what is aborted while its transaction is open, and rejects what is in none", async () => {
    const { log, publisher } = open();
    const abort = new AbortController();
    const { signal } = abort;
    const inside = failureOf(publisher.publish("t", texts("1", "2"), { signal }));
    await turn();
    const outside = failureOf(publisher.publish("t", texts("3"), { signal }));
    const other = publisher.publish("t", texts("4"));
    await turn();
    abort.abort();
    expect(await inside).toMatchObject({ code: "PUBLISH_ABORTED", outcomes: ["unknown", "unknown"] });
    expect(await outside).toMatchObject({ code: "PUBLISH_ABORTED", outcomes: ["rejected"] });
    log.commit(2);
    await turn();
    log.commit(1);
    await other;
    expect(log.transactions).toEqual([["1", "2"], ["4"]]);
  });

  it("leaves unknown what is in a transaction when its time is up, and closes only when that has ended", async () => {
    const { log, publisher } = open({ publishTimeoutMs: 20 });
    expect(await failureOf(publisher.publish("t", texts("1")))).toMatchObject({ code: "PUBLISH_TIMEOUT", outcomes: ["unknown"] });
    const closed = publisher.close();
    await turn();
    expect(log.detached).toBe(false);
    log.commit(1);
    await closed;
    expect([log.detached, log.transactions]).toEqual([true, [["1"]]]);
  });

  it("rejects what a transaction has left for the next one, when it is aborted between the two", async () => {
    const { log, publisher } = open();
    const abort = new AbortController();
    const publishing = failureOf(publisher.publish("t", texts("1", "2", "3"), { signal: abort.signal }));
    await turn();
    log.commit(1);
    await Promise.resolve();
    await Promise.resolve();
    abort.abort();
    expect((await publishing).outcomes).toEqual(["confirmed", "rejected", "rejected"]);
  });

  it("collects anew for a transaction that is repeated, without what was aborted meanwhile", async () => {
    const { log, publisher } = open();
    const abort = new AbortController();
    const gone = failureOf(publisher.publish("t", texts("1"), { signal: abort.signal }));
    const kept = publisher.publish("t", texts("2"));
    await turn();
    abort.abort();
    log.collect();
    log.commit(1);
    await kept;
    expect((await gone).outcomes).toEqual(["unknown"]);
    expect(log.transactions).toEqual([["1", "2"], ["2"]]);
  });

  it("says unknown of all calls of a transaction that may be committed, and writes none of them again", async () => {
    const { log, publisher } = open();
    const calls = ["1", "2"].map((text) => failureOf(publisher.publish("t", texts(text))));
    await turn();
    log.fail(Object.assign(new MillraceError("no", { code: "DATABASE_IO" }), { outcomeUnknown: true }));
    for (const call of calls) expect(await call).toMatchObject({ code: "DATABASE_IO", outcomes: ["unknown"] });
    const later = publisher.publish("t", texts("3"));
    await turn();
    log.commit(1);
    await later;
    expect(log.transactions).toEqual([["1", "2"], ["3"]]);
  });

  it("tries the calls of a failed transaction one by one, so that only the bad one fails, and later ones together again", async () => {
    const { log, publisher } = open();
    const calls = ["1", "bad", "3"].map((text) => publisher.publish("t", texts(text)));
    const outcomes = Promise.allSettled(calls);
    await turn();
    log.fail(new MillraceError("no", { code: "DATABASE_ERROR" }));
    await turn();
    const later = [publisher.publish("t", texts("4")), publisher.publish("t", texts("5"))];
    log.commit(1);
    await turn();
    log.fail(new MillraceError("no", { code: "DATABASE_ERROR" }));
    await turn();
    log.commit(1);
    await turn();
    log.commit(2);
    await Promise.all(later);
    expect((await outcomes).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(log.transactions).toEqual([["1", "bad", "3"], ["1"], ["bad"], ["3"], ["4", "5"]]);
  });
});

describe("a log with no room", () => {
  it("makes calls wait for room in their order, and refuses at sixteen times its bound with BUFFER_FULL", async () => {
    const { log, publisher } = open({ maxWaiting: 1 });
    const calls = Array.from({ length: 16 }, (_, index) => publisher.publish("t", texts(String(index))));
    expect(await failureOf(publisher.publish("t", texts("no")))).toMatchObject({ code: "BUFFER_FULL", retryable: true, outcomes: ["rejected"] });
    for (const call of calls) {
      await turn();
      log.commit(1);
      await call;
    }
    expect(log.transactions).toEqual(calls.map((_, index) => [String(index)]));
  });
});
