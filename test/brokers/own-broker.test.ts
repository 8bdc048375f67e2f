import { describe, expect, it, type TestContext } from "vitest";
import { BROKER_NAMES, type BrokerName } from "../../scripts/brokers/broker.ts";
import { ownBroker, type TestBroker } from "./index.ts";

describe.each(BROKER_NAMES)("a test's own %s", (name) => {
  it("is killed, and starts again with its data", async (context) => {
    const broker = await own(context, name);
    const { pid } = broker;
    expect(pid).toBeGreaterThan(1);
    await broker.kill();
    expect(broker.pid).toBeUndefined();
    expect(await broker.answers()).toBe(false);
    await broker.start();
    expect(broker.pid).not.toBe(pid);
    expect(await broker.answers()).toBe(true);
  });

  it("says nothing while it is frozen, and answers when it thaws", async (context) => {
    const broker = await own(context, name);
    broker.freeze();
    expect(await broker.answers()).toBe(false);
    broker.thaw();
    await expect.poll(() => broker.answers(), { timeout: 10_000 }).toBe(true);
  });
});

async function own(context: TestContext, name: BrokerName): Promise<TestBroker> {
  const broker = await ownBroker(name);
  if ("notRun" in broker) return context.skip(broker.notRun);
  context.onTestFinished(() => broker.remove());
  return broker;
}
