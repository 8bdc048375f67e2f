import { Admin } from "@platformatic/kafka";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { type KafkaBroker, type NotRun, ownBroker, type RabbitmqBroker, type TestBroker } from "./index.ts";

/** Something to lose: put there, and looked for. */
const DATA = {
  kafka: {
    put: (broker: TestBroker) => withAdmin(broker, async (admin) => void (await admin.createTopics({ topics: ["kept"], partitions: 1, replicas: 1 }))),
    isThere: (broker: TestBroker) => withAdmin(broker, async (admin) => (await admin.listTopics()).includes("kept")),
  },
  rabbitmq: {
    put: async (broker: TestBroker) => void (await (broker as RabbitmqBroker).control("add_user", "kept", "secret")),
    isThere: async (broker: TestBroker) => (await (broker as RabbitmqBroker).control("list_users")).includes("kept"),
  },
};

describe.each(["kafka", "rabbitmq"] as const)("a test's own %s", (name) => {
  let own: TestBroker | NotRun;
  beforeAll(async () => {
    own = await ownBroker(name);
  }, 120_000);
  afterAll(async () => {
    if (!("notRun" in own)) await own.remove();
  });
  const started = (context: TestContext): TestBroker => ("notRun" in own ? context.skip(own.notRun) : own);

  it("says nothing while it is frozen, and answers when it thaws", async (context) => {
    const broker = started(context);
    broker.freeze();
    context.onTestFinished(() => broker.thaw());
    expect(await broker.answers()).toBe(false);
    broker.thaw();
    await expect.poll(() => broker.answers(), { timeout: 10_000 }).toBe(true);
  });

  it("is killed, and starts again with its data", { timeout: 120_000 }, async (context) => {
    const broker = started(context);
    await DATA[name].put(broker);
    const { pid } = broker;
    expect(pid).toBeGreaterThan(1);
    await broker.kill();
    expect(broker.pid).toBeUndefined();
    expect(await broker.answers()).toBe(false);
    await broker.start();
    expect(broker.pid).not.toBe(pid);
    expect(await DATA[name].isThere(broker)).toBe(true);
  });
});

describe("a test's own kafka of three nodes", () => {
  it("goes on without one of them", { timeout: 180_000 }, async (context) => {
    const broker = await ownBroker("kafka", { nodes: 3 });
    if ("notRun" in broker) return context.skip(broker.notRun);
    context.onTestFinished(() => broker.remove());
    await DATA.kafka.put(broker);
    const [, , third] = (broker satisfies KafkaBroker).nodes;
    await third?.kill();
    expect(await DATA.kafka.isThere(broker)).toBe(true);
    await third?.start();
    await expect.poll(() => broker.answers(), { timeout: 20_000 }).toBe(true);
  });
});

async function withAdmin<T>(broker: TestBroker, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Admin({ clientId: "test", bootstrapBrokers: [`127.0.0.1:${broker.port}`] });
  try {
    return await work(admin);
  } finally {
    await admin.close();
  }
}
