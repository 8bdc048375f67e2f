import { Message } from "millrace";
import { describe, expect, it, type TestContext } from "vitest";
import { sharedBroker } from "../../../../test/brokers/index.ts";
import { bareChannel, fresh, openBus, present } from "../testing/with-broker.ts";
import { stepQueueName } from "./delay-steps.ts";

const shared = sharedBroker("rabbitmq");

const DAY_MS = 24 * 60 * 60_000;
/** A hand-over with confirmation, and nothing dropped for want of room. */
const LOSES_NOTHING = { "x-queue-type": "quorum", "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish" };

/** The broker takes a second declaration only when it says the same; so every argument is needed, and none is missing. */
async function expectDeclared(url: string, queue: string, declared: Readonly<Record<string, unknown>>): Promise<void> {
  await (await bareChannel(url)).assertQueue(queue, { durable: true, arguments: declared });
  for (const name of Object.keys(declared)) {
    const { [name]: _, ...others } = declared;
    await expect((await bareChannel(url)).assertQueue(queue, { durable: true, arguments: others }), `${queue} without ${name}`).rejects.toThrow(/PRECONDITION/);
  }
}

async function delayed(context: TestContext, mandatory: boolean): Promise<{ readonly url: string; readonly topic: string }> {
  const { url } = present(context, shared);
  const topic = fresh("queues");
  const bus = openBus(url, { mandatory });
  await bus.provision(topic, { group: "g" });
  await bus.publish(topic, new Message("x", { delayMs: 2_000 }));
  return { url, topic };
}

describe("the queues that hold messages back", () => {
  it("hand over with confirmations, and go when nobody has used them for 49 days", async (context) => {
    const { url } = await delayed(context, true);
    for (const [level, digit] of [
      [1, 1],
      [2, 7],
      [3, 4],
    ] as const) {
      await expectDeclared(url, stepQueueName(level, digit), {
        "x-message-ttl": digit * 8 ** level,
        "x-dead-letter-exchange": level === 1 ? "millrace.delay.due" : `millrace.delay.level.${level - 1}`,
        "x-expires": 49 * DAY_MS,
        ...LOSES_NOTHING,
      });
    }
  });

  it("end in one that does too and goes half an hour after its last use, or drops what no queue takes where that is wanted", async (context) => {
    const { url, topic } = await delayed(context, true);
    const last = { "x-message-ttl": 0, "x-dead-letter-exchange": topic, "x-dead-letter-routing-key": "", "x-expires": 30 * 60_000 };
    await expectDeclared(url, `millrace.delay.to.${topic}:.5m`, { ...last, ...LOSES_NOTHING });
    const dropping = await delayed(context, false);
    await expectDeclared(url, `millrace.delay.to.${dropping.topic}:.5m.drops`, { ...last, "x-dead-letter-exchange": dropping.topic, "x-queue-type": "quorum" });
  });

  it("keep what went astray in a queue that loses nothing and never goes", async (context) => {
    const { url } = await delayed(context, true);
    await expectDeclared(url, "millrace.delay.astray", { "x-queue-type": "quorum" });
    const channel = await bareChannel(url);
    await channel.assertExchange("millrace.delay.due", "topic", { durable: true, arguments: { "alternate-exchange": "millrace.delay.astray" } });
  });
});
