import { Message, silentLogger } from "millrace";
import { describe, expect, it, vi } from "vitest";
import { until } from "../../../test/until.ts";
import type { SqliteDatabase } from "./sqlite/driver.ts";
import { REST_MS, TURN_MS, Turns } from "./sqlite/turns.ts";
import { TestDatabase } from "./testing/test-database.ts";

const file = new TestDatabase();
const open = file.open.bind(file);
const connect = file.connect.bind(file);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Works on a group as Watermill does: looks once a second, and has the lock of the group for a batch. */
class WatermillMember {
  readonly batches: number[][] = [];
  #working: Promise<void> | undefined;
  #stopped = false;

  start(database: SqliteDatabase): void {
    this.#working = this.#work(database);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#working;
  }

  async #work(database: SqliteDatabase): Promise<void> {
    const take = database.prepare(
      "UPDATE watermill_offsets_t SET locked_until = unixepoch() + 5 WHERE consumer_group = 'g' AND locked_until < unixepoch() RETURNING offset_acked",
    );
    const ack = database.prepare("UPDATE watermill_offsets_t SET offset_acked = ?, locked_until = unixepoch() + 5 WHERE consumer_group = 'g'");
    const release = database.prepare("UPDATE watermill_offsets_t SET locked_until = 0 WHERE consumer_group = 'g'");
    for (; !this.#stopped; await pause(1000)) {
      const taken = take.get() as { offset_acked: number } | undefined;
      if (taken === undefined) continue;
      const rows = database.prepare("SELECT offset FROM watermill_t WHERE offset > ? ORDER BY offset LIMIT 100").all(taken.offset_acked);
      const batch: number[] = [];
      for (const { offset } of rows as { offset: number }[]) {
        await pause(1);
        batch.push(offset);
        ack.run(offset);
      }
      release.run();
      if (batch.length > 0) this.batches.push(batch);
    }
  }
}

describe("a group on which members written for Watermill work too", () => {
  it("is shared by turns under a load that never ends: nobody starves, nothing is lost or handled twice, and it is told", async () => {
    const warn = vi.fn();
    const other = new WatermillMember();
    const pubsub = open({ logger: { ...silentLogger, warn } });
    await pubsub.publish("t", new Message("x"));
    const database = connect();
    database.exec("INSERT INTO watermill_offsets_t VALUES ('g', 0, 0)");
    const ours: number[] = [];
    let refused = 0;
    let published = 1;
    let publishing = true;
    const subscription = await pubsub.subscribe("t", { group: "g", maxInFlight: 10 });
    const reading = (async () => {
      for await (const message of subscription) {
        ours.push(Number(message.delivery.position));
        const ack = (): void => void (message.ack() || refused++);
        if (publishing)
          setTimeout(ack, 5); // so that ours always hold something
        else ack();
      }
    })();
    const load = (async () => {
      for (; publishing; await pause(10)) {
        await pubsub.publish(
          "t",
          Array.from({ length: 20 }, () => new Message("x")),
        );
        published += 20;
      }
    })();
    await until(() => ours.length > 100, "ours are at work");
    other.start(database);
    await until(() => other.batches.length >= 3, "the other one has had three batches", 60_000);
    const between = ours.filter((offset) => offset > (other.batches[0]?.[0] ?? 0) && offset < (other.batches.at(-1)?.[0] ?? 0));
    expect(between.length).toBeGreaterThan(100);
    await other.stop();
    publishing = false;
    await load;
    const all = (): number[] => [...ours, ...other.batches.flat()];
    await until(() => all().length >= published, "all are handled", 60_000);
    await subscription.close();
    await reading;
    expect(refused).toBe(0);
    expect(all().sort((a, b) => a - b)).toEqual(Array.from({ length: published }, (_, index) => index + 1));
    expect(warn.mock.calls.map(([, text]) => text)).toEqual([expect.stringMatching(/Watermill work on this group too/)]);
  }, 180_000);
});

describe("Turns", () => {
  const at = (text: string | null | undefined, now: number): Turns => new Turns(text ?? null, now);
  const NOW = 1_800_000_000_000;
  const seen = (): string => {
    const turns = at(null, NOW);
    turns.seen(0);
    return turns.news as string;
  };

  it("holds nobody up where no Watermill member was seen, and writes nothing", () => {
    const turns = at(null, NOW);
    expect(turns.mayNotClaim(5, true)).toBeUndefined();
    turns.leave(5, { before: true, now: false });
    expect([turns.shared, turns.news]).toEqual([false, undefined]);
  });

  it("ends a turn, lets what is held be settled, and rests", () => {
    const first = at(seen(), NOW);
    expect(first.mayNotClaim(0, false)).toBeUndefined();
    const text = first.news;
    expect(at(text, NOW + TURN_MS - 1).mayNotClaim(0, true)).toBeUndefined();
    expect(at(text, NOW + TURN_MS).mayNotClaim(0, true)).toMatch(/turn is over/);
    const left = at(text, NOW + TURN_MS);
    left.leave(40, { before: true, now: false });
    expect(at(left.news, NOW + TURN_MS + REST_MS - 1).mayNotClaim(40, false)).toMatch(/turn of the Watermill members/);
    expect(at(left.news, NOW + TURN_MS + REST_MS).mayNotClaim(40, false)).toBeUndefined();
  });

  it("rests also where ours held nothing just when the turn ended", () => {
    const first = at(seen(), NOW);
    first.mayNotClaim(0, false);
    const idle = at(first.news, NOW + TURN_MS - 10);
    idle.leave(40, { before: true, now: false });
    expect(at(idle.news, NOW + TURN_MS).mayNotClaim(40, false)).toMatch(/turn of the Watermill members/);
    expect(at(idle.news, NOW + TURN_MS + REST_MS - 10).mayNotClaim(40, false)).toBeUndefined();
  });

  it("rests no longer because the other one is at work meanwhile", () => {
    const left = at(seen(), NOW);
    left.leave(40, { before: true, now: false });
    const resting = at(left.news, NOW + REST_MS - 1);
    expect(resting.mayNotClaim(140, false)).toMatch(/turn of the Watermill members/);
    resting.leave(140, { before: false, now: false });
    expect(at(resting.news, NOW + REST_MS).mayNotClaim(140, false)).toBeUndefined();
  });

  it("forgets an hour after the last sign of one, a position that it did not write itself being such a sign", () => {
    const text = seen();
    const before = at(text, NOW + 3_599_000);
    before.mayNotClaim(7, false);
    expect(at(text, NOW + 3_600_000)).toMatchObject({ shared: false, news: null });
    expect(at(before.news, NOW + 3_600_000).shared).toBe(true);
  });

  it("is not kept waiting by a clock that was set back", () => {
    const left = at(seen(), NOW);
    left.leave(0, { before: true, now: false });
    expect(at(left.news, NOW - 1_000_000).mayNotClaim(0, false)).toBeUndefined();
  });
});
