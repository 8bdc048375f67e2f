import { Message, Router } from "millrace";
import { afterEach, describe, expect, it, vi } from "vitest";
import { readSome, takeOne } from "../../../test/read-some.ts";
import { until } from "../../../test/until.ts";
import { ownerName } from "./lease-of.ts";
import { LeaseWatch } from "./sqlite/lease-watch.ts";
import { TestDatabase } from "./testing/test-database.ts";

const HOUR_MS = 3_600_000;
const LEASE_MS = 600;

const file = new TestDatabase();
const connect = file.connect.bind(file);
const open = () => file.open({ leaseMs: LEASE_MS });
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

afterEach(() => {
  vi.restoreAllMocks();
});

/** The clock on the wall shows another time from now on; the monotonic clock does not. */
function setClock(byMs: number): void {
  const { now } = Date;
  vi.spyOn(Date, "now").mockImplementation(() => now.call(Date) + byMs);
}

/** As after a SIGKILL: a claim of the first `count` messages stays in the database, and nobody renews it. */
async function leaveClaimBehind(count: number, leaseUntil: number): Promise<void> {
  const dead = open();
  await dead.provision("t", { group: "g" });
  await dead.publish(
    "t",
    Array.from({ length: count }, (_, index) => new Message(String(index + 1))),
  );
  connect()
    .prepare(
      "INSERT INTO millrace_claims (group_id, after_offset, upto_offset, settled_to, done, owner, epoch, lease_until) SELECT id, 0, ?, 0, '', ?, 1, ? FROM millrace_groups",
    )
    .run(count, ownerName(LEASE_MS), leaseUntil);
}

describe("a clock that is set back by an hour", () => {
  it("takes nothing from a handler that runs longer than its lease", async () => {
    const pubsub = open();
    await pubsub.publish("t", new Message("x"));
    const subscription = await pubsub.subscribe("t", { group: "g" });
    const message = await takeOne(subscription);
    setClock(-HOUR_MS);
    await pause(3 * LEASE_MS);
    expect(message.signal.aborted).toBe(false);
    expect(message.ack()).toBe(true);
    await subscription.flush();
    expect(connect().prepare("SELECT offset_acked AS acked FROM watermill_offsets_t").get()).toMatchObject({ acked: 1 });
  });

  it("gives nobody else what a living member holds, who is seen to renew it", async () => {
    const pubsub = open();
    await pubsub.publish("t", new Message("1"));
    const one = await pubsub.subscribe("t", { group: "g" });
    const message = await takeOne(one);
    setClock(-HOUR_MS);
    const reading = readSome(await open().subscribe("t", { group: "g" }), 1);
    await pause(3 * LEASE_MS);
    expect(message.ack()).toBe(true);
    await one.close();
    await pubsub.publish("t", new Message("2"));
    expect((await reading).map((other) => other.text())).toEqual(["2"]);
  });

  it("keeps nobody from taking over what a dead member held", async () => {
    await leaveClaimBehind(1, Date.now() + HOUR_MS);
    const subscription = await open().subscribe("t", { group: "g" });
    const began = performance.now();
    expect((await readSome(subscription, 1)).map((message) => message.text())).toEqual(["1"]);
    expect(performance.now() - began).toBeGreaterThanOrEqual(LEASE_MS - 1);
  });

  it("keeps nobody from moving a group whose member is dead", async () => {
    await leaveClaimBehind(1, Date.now() + HOUR_MS);
    const pubsub = open();
    await pubsub.admin.seek?.("t", "g", "latest");
    expect(connect().prepare("SELECT offset_acked AS acked FROM watermill_offsets_t").get()).toMatchObject({ acked: 1 });
  });
});

describe("a clock that is set forward by an hour", () => {
  it("gives nobody else what a living member holds", async () => {
    const pubsub = open();
    await pubsub.publish("t", new Message("1"));
    const one = await pubsub.subscribe("t", { group: "g" });
    const message = await takeOne(one);
    const two = await open().subscribe("t", { group: "g" });
    setClock(HOUR_MS);
    const reading = readSome(two, 1);
    await pause(2 * LEASE_MS);
    expect(message.ack()).toBe(true);
    await one.close();
    await pubsub.publish("t", new Message("2"));
    expect((await reading).map((other) => other.text())).toEqual(["2"]);
  });

  it("lets nobody move a group whose member holds messages", async () => {
    const pubsub = open();
    await pubsub.publish("t", new Message("1"));
    const message = await takeOne(await pubsub.subscribe("t", { group: "g" }));
    setClock(HOUR_MS);
    await expect(open().admin.seek?.("t", "g", "latest")).rejects.toMatchObject({ code: "GROUP_BUSY" });
    expect(message.ack()).toBe(true);
  });
});

describe("what a dead member held", () => {
  it("is waited for by idle() until it is sure that the member is dead, and handled", async () => {
    await leaveClaimBehind(3, Date.now() - HOUR_MS);
    const seen: string[] = [];
    const pubsub = open();
    await using router = new Router({ subscriber: pubsub });
    router.addConsumerHandler({ name: "h", group: "g", subscribe: "t", handle: (message) => void seen.push(message.text()) });
    await router.start();
    await router.idle();
    expect(seen).toEqual(["1", "2", "3"]);
  });

  it("is taken over after the lease of that member, not of the one that takes it", async () => {
    await leaveClaimBehind(1, Date.now());
    connect().prepare("UPDATE millrace_claims SET owner = ?").run(ownerName(60_000));
    const subscription = await open().subscribe("t", { group: "g" });
    const reading = readSome(subscription, 1);
    const early = await Promise.race([reading, pause(3 * LEASE_MS)]);
    expect(early).toBeUndefined();
    connect().prepare("UPDATE millrace_claims SET owner = ?").run(ownerName(LEASE_MS));
    expect((await reading).map((message) => message.text())).toEqual(["1"]);
  });
});

describe("LeaseWatch", () => {
  it("calls a lease over when the claim has not changed for its length, and held when it was seen to change", async () => {
    const watch = new LeaseWatch();
    const owner = ownerName(100);
    const claim = { id: 1, epoch: 1, leaseUntil: Date.now(), owner };
    expect(watch.look(claim)).toBe("open");
    expect(watch.look({ ...claim, leaseUntil: 5 })).toBe("held");
    expect(watch.look({ ...claim, leaseUntil: 5 })).toBe("held");
    await until(() => watch.look({ ...claim, leaseUntil: 5 }) === "over", "it is over");
    watch.keep(new Set());
    expect(watch.look({ ...claim, leaseUntil: 5 })).toBe("open");
  });

  it("goes by a clock that cannot be set", async () => {
    const watch = new LeaseWatch();
    const claim = { id: 1, epoch: 1, leaseUntil: Date.now(), owner: ownerName(LEASE_MS) };
    expect(watch.look(claim)).toBe("open");
    setClock(HOUR_MS);
    expect(watch.look(claim)).toBe("open");
    setClock(-2 * HOUR_MS);
    await until(() => watch.look(claim) === "over", "it is over");
  });
});
