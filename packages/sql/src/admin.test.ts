import { type BrokerAdmin, Message, type Subscription } from "millrace";
import { describe, expect, it } from "vitest";
import { readSome, takeOne } from "../../../test/read-some.ts";
import { until } from "../../../test/until.ts";
import { sqlDelivery } from "./delivery.ts";
import type { SqlPubSub } from "./pub-sub.ts";
import { sqlite } from "./sqlite/sqlite.ts";
import { TestDatabase } from "./testing/test-database.ts";

const file = new TestDatabase();
const open = file.open.bind(file);
const connect = file.connect.bind(file);

const numbered = (count: number): Message[] => Array.from({ length: count }, (_, index) => new Message(String(index)));

/** All questions: this database can answer them. */
function adminOf(bus: SqlPubSub): Required<BrokerAdmin> {
  return bus.admin as Required<BrokerAdmin>;
}

/** Acks those that `which` picks of the next `count`, leaves the others unsettled, and gives them back. */
async function readAndLeave(subscription: Subscription, count: number, which: (text: string) => boolean): Promise<void> {
  const taken = await readSome(subscription, count, false);
  for (const message of taken) if (which(message.text())) message.ack();
  await subscription.flush();
  await subscription[Symbol.asyncDispose]();
}

describe("the admin of a SQL log", () => {
  it("lists the topics that have tables, each by its own name, and makes none by asking", async () => {
    const bus = open();
    expect(await adminOf(bus).topics()).toEqual([]);
    await expect(adminOf(bus).groups("orders")).rejects.toMatchObject({ code: "UNKNOWN_TOPIC" });
    await expect(adminOf(bus).lag("orders", "g")).rejects.toMatchObject({ code: "UNKNOWN_TOPIC" });
    const database = connect();
    expect(database.prepare("SELECT count(*) AS n FROM sqlite_schema").get()).toMatchObject({ n: 0 });
    for (const topic of ["orders", "Orders", "with$dollar", "cash$20"]) await bus.provision(topic);
    database.exec("CREATE TABLE watermill_strange (id TEXT)");
    expect([...(await adminOf(bus).topics())].sort()).toEqual(["Orders", "cash$20", "orders", "with$dollar"]);
  });

  it("leaves out what the names in the database do not tell, and takes groups as subscribe does", async () => {
    const tables = { messages: (topic: string) => `log_${topic}` };
    const bus = open({ dialect: sqlite({ path: file.path, tables }), groupName: (topic, group) => `${topic}.${group}` });
    expect(Object.keys(bus.admin).sort()).toEqual(["deleteGroup", "lag", "seek"]);
    await bus.provision("t", { group: "g" });
    await bus.publish("t", numbered(2));
    expect(await bus.admin.lag?.("t", "g")).toMatchObject({ messages: 2 });
    await expect(bus.admin.lag?.("t", "t.g")).rejects.toMatchObject({ code: "UNKNOWN_GROUP" });
  });

  it("counts what is not settled, also behind what was acked out of order, and of several members", async () => {
    const bus = open();
    await bus.publish("t", numbered(20));
    await readAndLeave(await bus.subscribe("t", { group: "g", maxInFlight: 20, orderBy: "none" }), 20, (text) => Number(text) % 4 !== 2);
    const { messages, oldestAt } = await adminOf(bus).lag("t", "g");
    expect(messages).toBe(5);
    const [one, two] = [await bus.subscribe("t", { group: "g", maxInFlight: 3, orderBy: "none" }), await open().subscribe("t", { group: "g", maxInFlight: 2 })];
    const taken = [...(await readSome(one, 3, false)), await takeOne(two)];
    expect(oldestAt).toEqual(taken.find((message) => message.text() === "2")?.delivery.publishedAt);
    taken.find((message) => message.text() !== "2")?.ack();
    await one.flush();
    await two.flush();
    expect(await adminOf(bus).lag("t", "g")).toEqual({ messages: 4, oldestAt });
    for (const member of [one, two]) {
      await until(() => member.status().lag === 4, "each member tells the lag of both");
      expect(member.status().oldestAt).toEqual(oldestAt);
    }
    for (const member of [one, two]) await member[Symbol.asyncDispose]();
  });

  it("does not count what was purged before the group read it", async () => {
    const bus = open();
    await bus.provision("t", { group: "g" });
    await bus.publish("t", numbered(100));
    await bus.purge("t", { maxMessages: 10, includeUnread: true });
    expect(await adminOf(bus).lag("t", "g")).toMatchObject({ messages: 10 });
    const subscription = await bus.subscribe("t", { group: "g" });
    await until(() => subscription.status().lag === 10, "the member tells the same");
    expect(await readSome(subscription, 10)).toHaveLength(10);
    await bus.provision("t", { group: "later" });
    await bus.publish("t", numbered(5));
    await bus.purge("t", { maxMessages: 0, includeUnread: true });
    expect(await adminOf(bus).lag("t", "later")).toEqual({ messages: 0, oldestAt: undefined });
    const later = await bus.subscribe("t", { group: "later" });
    await until(() => later.status().lag === 0, "nothing is left to be read");
  });

  it("moves a group whose member is idle, and the member goes on from there, in another process too", async () => {
    const bus = open();
    const other = open();
    await bus.publish("t", numbered(5));
    const member = await other.subscribe("t", { group: "g" });
    await readSome(member, 5);
    await member.flush();
    await adminOf(bus).seek("t", "g", { position: "4" });
    expect((await readSome(member, 2)).map((message) => sqlDelivery(message)?.offset)).toEqual([4, 5]);
    await member.flush();
    expect(await adminOf(bus).lag("t", "g")).toEqual({ messages: 0, oldestAt: undefined });
    await bus.publish("t", new Message("next"));
    expect((await readSome(member, 1))[0]?.text()).toBe("next");
  });

  it("forgets attempts and what was acked out of order with the old place", async () => {
    const bus = open();
    await bus.publish("t", numbered(3));
    const failing = await bus.subscribe("t", { group: "g", maxInFlight: 3, orderBy: "none" });
    for (const message of await readSome(failing, 3, false)) {
      if (message.text() === "1") message.ack();
      else message.nack({ delayMs: 60_000 });
    }
    await failing.flush();
    await failing[Symbol.asyncDispose]();
    await adminOf(bus).seek("t", "g", "earliest");
    const again = await readSome(await bus.subscribe("t", { group: "g" }), 3);
    expect(again.map((message) => [message.text(), message.delivery.attempt])).toEqual([
      ["0", 1],
      ["1", 1],
      ["2", 1],
    ]);
  });

  it("is busy while a member holds claims, wherever it runs, and not any more when its lease is over", async () => {
    const bus = open();
    await bus.publish("t", numbered(2));
    const member = await open({ leaseMs: 60_000 }).subscribe("t", { group: "g" });
    await takeOne(member);
    await expect(adminOf(bus).seek("t", "g", "earliest")).rejects.toMatchObject({ code: "GROUP_BUSY", retryable: true });
    await expect(adminOf(bus).deleteGroup("t", "g")).rejects.toMatchObject({ code: "GROUP_BUSY" });
    await member[Symbol.asyncDispose]();
    // As another member leaves it that was killed.
    connect().exec("UPDATE millrace_claims SET owner = 'dead/100', lease_until = 1");
    await adminOf(open()).seek("t", "g", "latest"); // sees it for the first time, and waits for a lease
    expect(await adminOf(bus).lag("t", "g")).toMatchObject({ messages: 0 });
  });

  it("knows groups that only members written for Watermill have used, and is busy while one of them holds the group", async () => {
    const bus = open();
    await bus.publish("t", numbered(4));
    const database = connect();
    database.exec(`INSERT INTO watermill_offsets_t VALUES ('go', 1, ${Math.floor(Date.now() / 1000) + 3600})`);
    expect(await adminOf(bus).groups("t")).toEqual(["go"]);
    expect(await adminOf(bus).lag("t", "go")).toMatchObject({ messages: 3 });
    await expect(adminOf(bus).seek("t", "go", "latest")).rejects.toMatchObject({ code: "GROUP_BUSY" });
    database.exec("UPDATE watermill_offsets_t SET locked_until = 1");
    await adminOf(bus).seek("t", "go", "latest");
    expect(await adminOf(bus).lag("t", "go")).toMatchObject({ messages: 0 });
    await adminOf(bus).deleteGroup("t", "go");
    expect(await adminOf(bus).groups("t")).toEqual([]);
  });
});
