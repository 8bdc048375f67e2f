import { MemoryPubSub, Message, PermanentError, Router, type Subscription, silentLogger } from "millrace";
import { describe, expect, it } from "vitest";
import { readSome, takeOne } from "../../../test/read-some.ts";
import { until } from "../../../test/until.ts";
import { ownerName } from "./lease-of.ts";
import { TestDatabase } from "./testing/test-database.ts";

const file = new TestDatabase();
const open = file.open.bind(file);
const connect = file.connect.bind(file);

const numbered = (count: number): Message[] => Array.from({ length: count }, (_, index) => new Message(String(index + 1)));

/** As a SIGKILL would: what members hold stays claimed, and they can change nothing of it any more. */
function killAll(): void {
  connect().prepare("UPDATE millrace_claims SET owner = ?, epoch = epoch + 1 WHERE owner IS NOT NULL").run(ownerName(100));
}

describe("what another member gave back or left behind", () => {
  it("is handed out in the order of the log, before anything newer, however much there is of it", async () => {
    const pubsub = open();
    await pubsub.provision("t", { group: "g" });
    await pubsub.publish("t", numbered(300));
    connect().exec(
      "INSERT INTO millrace_claims (group_id, after_offset, upto_offset, settled_to, done, owner, epoch, lease_until) SELECT id, 0, 200, 0, '', NULL, 1, 0 FROM millrace_groups",
    );
    const found = await readSome(await pubsub.subscribe("t", { group: "g", maxInFlight: 40 }), 300);
    expect(found.map((message) => Number(message.text()))).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
  });
});

describe("a message that kills its process", () => {
  /** One life: acks all but the killer, and dies with that in its hands, its neighbours prefetched. Answers what it was given, with attempts. */
  async function live(subscription: Subscription): Promise<[text: string, attempt: number][]> {
    const given: [string, number][] = [];
    for await (const message of subscription) {
      given.push([message.text(), message.delivery.attempt]);
      if (message.text() === "7") break;
      message.ack();
    }
    await subscription.flush();
    killAll();
    await subscription[Symbol.asyncDispose]();
    return given;
  }

  it("is found after three deaths, and counted from then on; of its neighbours no attempt is", async () => {
    const pubsub = open();
    await pubsub.provision("t", { group: "g" });
    await pubsub.publish("t", numbered(30));
    const lives: [string, number][][] = [];
    for (let life = 0; life < 6; life++) lives.push(await live(await pubsub.subscribe("t", { group: "g" })));
    expect(lives.map((given) => given.filter(([text]) => text === "7"))).toEqual([1, 1, 1, 1, 2, 3].map((attempt) => [["7", attempt]]));
    expect(lives.flat().filter(([text, attempt]) => text !== "7" && attempt > 1)).toEqual([]);

    const subscription = await pubsub.subscribe("t", { group: "g" });
    const killer = await takeOne(subscription);
    expect([killer.text(), killer.delivery.attempt]).toEqual(["7", 4]);
    await pubsub.publish("t", new Message("newer"));
    await until(() => subscription.status().state === "blocked", "health says that it is handled alone");
    expect(subscription.status().detail).toMatch(/offset 7 was in the hands of 6 members that died/);
    killer.nack();
    const again = await takeOne(subscription);
    expect([again.text(), again.delivery.attempt]).toEqual(["7", 5]);
    again.ack();
    expect((await readSome(subscription, 1)).map((message) => [message.text(), message.delivery.attempt])).toEqual([["newer", 1]]);
    expect(new Set(lives.flat().map(([text]) => text)).size).toBe(30);
    await subscription.flush();
    for (const table of ["attempts", "claims"]) expect(connect().prepare(`SELECT count(*) AS n FROM millrace_${table}`).get()).toMatchObject({ n: 0 });
    expect(subscription.status().state).toBe("running");
  }, 30_000);

  it("holds up nobody any more once it fails without killing, and keeps its count when it is given back", async () => {
    const pubsub = open();
    await pubsub.provision("t", { group: "g" });
    await pubsub.publish("t", numbered(30));
    for (let life = 0; life < 5; life++) await live(await pubsub.subscribe("t", { group: "g" }));
    const closing = await pubsub.subscribe("t", { group: "g" });
    expect((await takeOne(closing)).delivery.attempt).toBe(3);
    await closing[Symbol.asyncDispose]();
    const subscription = await pubsub.subscribe("t", { group: "g", maxInFlight: 2, orderBy: "none" });
    const killer = await takeOne(subscription);
    expect([killer.text(), killer.delivery.attempt]).toEqual(["7", 3]);
    killer.nack({ delayMs: 60_000 });
    await pubsub.publish("t", numbered(3));
    expect((await readSome(subscription, 3)).map((message) => message.text())).toEqual(["1", "2", "3"]);
  }, 30_000);

  it("reaches the dead letter where a middleware gives up, and its neighbours are handled", async () => {
    const pubsub = open();
    const dead = new MemoryPubSub({ persistent: true });
    await pubsub.provision("t", { group: "g" });
    await pubsub.publish("t", numbered(30));
    const handled: string[] = [];
    for (let life = 0, dying = true; dying; life++) {
      expect(life).toBeLessThan(10);
      dying = false;
      const router = new Router({ subscriber: pubsub, logger: silentLogger, failure: { deadLetter: { publisher: dead, topic: "dead" } } });
      router.addMiddleware((next) => (message) => {
        if (message.delivery.attempt > 2) throw new PermanentError("it has killed its process");
        return next(message);
      });
      router.addConsumerHandler({
        name: "h",
        group: "g",
        subscribe: "t",
        handle: async (message) => {
          if (message.text() === "7") {
            dying = true;
            killAll();
            await message.settled;
          } else handled.push(message.text());
        },
      });
      await router.start();
      await until(() => dying || (router.health().handlers.h?.counts.deadLettered === 1 && new Set(handled).size === 29), "it dies, or all are done with");
      const closing = router.close({ timeoutMs: dying ? 0 : 5000 });
      if (dying)
        await closing.catch((error: unknown) => expect(error).toMatchObject({ code: "SETTLE_FAILED" })); // acks died with it
      else await closing;
    }
    expect(new Set(handled).size).toBe(29);
    const [letter] = await readSome(await dead.subscribe("dead", { group: "look", from: "earliest" }), 1);
    expect([letter?.text(), letter?.metadata.get("attempts_poisoned")]).toEqual(["7", "3"]);
    await dead.close();
  }, 30_000);
});
