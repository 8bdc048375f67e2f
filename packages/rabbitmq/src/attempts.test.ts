import { Message, Router, silentLogger } from "millrace";
import { ChaosProxy } from "millrace/conformance";
import { expect, it } from "vitest";
import { sharedBroker } from "../../../test/brokers/index.ts";
import { readOne } from "../../../test/read-some.ts";
import { fresh, openBus, present } from "./testing/with-broker.ts";

it("gives a message to the dead letter after its attempts, although its connection breaks before each of them", async (context) => {
  const { url, port } = present(context, sharedBroker("rabbitmq"));
  const proxy = await ChaosProxy.start({ port });
  try {
    const bus = openBus(`amqp://guest:guest@127.0.0.1:${proxy.port}`);
    const direct = openBus(url);
    const topic = fresh("attempts");
    const letters = await direct.subscribe(`${topic}-dead`, { group: "g" });
    const attempts: number[] = [];
    const router = new Router({ subscriber: bus, logger: silentLogger });
    router.addConsumerHandler({
      name: topic,
      subscribe: topic,
      concurrency: 4,
      failure: { attempts: 4, deadLetter: { publisher: direct, topic: `${topic}-dead` } },
      handle: (message) => {
        attempts.push(message.delivery.attempt);
        if (message.delivery.attempt < 4) setTimeout(() => proxy.cut(), 20);
        throw Object.assign(new Error("fails"), { retryAfterMs: 200 });
      },
    });
    await router.start();
    await direct.publish(topic, new Message("a", { key: "k" }));
    expect((await readOne(letters)).metadata.get("attempts_poisoned")).toBe("4");
    expect(attempts).toEqual([1, 2, 3, 4]);
    await router.close();
  } finally {
    await proxy.close();
  }
}, 60_000);

it("gives a message to the dead letter after its attempts, although its user may not send it back to its queue", async (context) => {
  const broker = present(context, sharedBroker("rabbitmq"));
  const topic = fresh("attempts");
  await broker.control("add_user", topic, "secret");
  await broker.control("set_permissions", topic, ".*", "^attempts.*", ".*");
  try {
    const bus = openBus(`amqp://${topic}:secret@127.0.0.1:${broker.port}`);
    const letters = await bus.subscribe(`${topic}-dead`, { group: "g" });
    const attempts: number[] = [];
    const router = new Router({ subscriber: bus, logger: silentLogger });
    router.addConsumerHandler({
      name: topic,
      subscribe: topic,
      concurrency: 4,
      orderBy: "none",
      failure: { attempts: 2, minDelayMs: 10, maxDelayMs: 10, deadLetter: { publisher: bus, topic: `${topic}-dead` } },
      handle: (message) => {
        attempts.push(message.delivery.attempt);
        throw new Error("fails");
      },
    });
    await router.start();
    await bus.publish(topic, new Message("a"));
    expect((await readOne(letters)).metadata.get("attempts_poisoned")).toBe("2");
    expect(attempts).toEqual([1, 2]);
    await router.close();
  } finally {
    await broker.control("delete_user", topic);
  }
}, 60_000);
