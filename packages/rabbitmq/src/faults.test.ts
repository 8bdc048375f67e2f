import { Message, MillraceError, type PublishError } from "millrace";
import { LATE, sleep, within } from "millrace/adapter";
import { ChaosProxy } from "millrace/conformance";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { ownBroker, type RabbitmqBroker, type TestBroker } from "../../../test/brokers/index.ts";
import { readOne, readSome, takeOne } from "../../../test/read-some.ts";
import { bareChannel, fresh, openBus, present } from "./testing/with-broker.ts";

type Own = Awaited<ReturnType<typeof ownBroker>>;

let own: Own;
beforeAll(async () => {
  own = await ownBroker("rabbitmq");
}, 60_000);
afterAll(async () => {
  if (!("notRun" in own)) await own.remove();
});

const here = (context: TestContext): RabbitmqBroker => present(context, own as TestBroker);
const codeOf = (error: unknown): string => (MillraceError.is(error) ? error.code : String(error));
const failureOf = (promise: Promise<unknown>): Promise<PublishError> =>
  promise.then(
    () => {
      throw new Error("it succeeded");
    },
    (error: PublishError) => error,
  );

describe("an address where no broker is", () => {
  it("rejects a subscription at once and a publish at its time limit, with BROKER_UNREACHABLE", async () => {
    const bus = openBus("amqp://127.0.0.1:1", { publishTimeoutMs: 300 });
    expect(codeOf(await failureOf(bus.subscribe("t", { group: "g" })))).toBe("BROKER_UNREACHABLE");
    expect(await failureOf(bus.publish("t", [new Message("a"), new Message("b")]))).toMatchObject({
      code: "BROKER_UNREACHABLE",
      outcomes: ["rejected", "rejected"],
    });
    expect(bus.status().state).toBe("reconnecting");
  });
});

describe("a broker that refuses", () => {
  it("rejects a wrong password with AUTHENTICATION_FAILED, and does not show it", async (context) => {
    const { port } = here(context);
    const bus = openBus(`amqp://guest:wr0ng@127.0.0.1:${port}`);
    for (const failure of [await failureOf(bus.subscribe("t", { group: "g" })), await failureOf(bus.publish("t", new Message("a")))]) {
      expect(failure.code).toBe("AUTHENTICATION_FAILED");
      expect(failure.message).not.toContain("wr0ng");
    }
  });

  it("rejects a virtual host that is not there with ACCESS_DENIED", async (context) => {
    const { url } = here(context);
    expect(codeOf(await failureOf(openBus(`${url}/nowhere`).subscribe("t", { group: "g" })))).toBe("ACCESS_DENIED");
  });

  it("rejects what the user may not do with ACCESS_DENIED, and leaves other topics alone", async (context) => {
    const broker = here(context);
    await broker.control("add_user", "limited", "secret");
    await broker.control("set_permissions", "limited", "^mine.*", "^(mine.*|amq\\.default)", "^mine.*");
    const bus = openBus(`amqp://limited:secret@127.0.0.1:${broker.port}`);
    const subscription = await bus.subscribe("mine", { group: "g" });
    expect(codeOf(await failureOf(bus.subscribe("theirs", { group: "g" })))).toBe("ACCESS_DENIED");
    const publishing = bus.publish("mine", new Message("m"));
    expect(await failureOf(bus.publish("theirs", new Message("a")))).toMatchObject({ code: "ACCESS_DENIED", outcomes: ["rejected"] });
    await publishing;
    expect((await readOne(subscription)).text()).toBe("m");
  });

  it("rejects a queue that is there with other settings with TOPIC_MISMATCH", async (context) => {
    const { url } = here(context);
    const topic = fresh("other");
    await (await bareChannel(url)).assertQueue(`${topic}_g`, { durable: false, autoDelete: true });
    expect(codeOf(await failureOf(openBus(url).subscribe(topic, { group: "g" })))).toBe("TOPIC_MISMATCH");
  });

  it("rejects a missing queue or exchange with TOPIC_MISSING when it may not make them", async (context) => {
    const { url } = here(context);
    const topic = fresh("missing");
    const bus = openBus(url, { provision: "verify" });
    expect(codeOf(await failureOf(bus.subscribe(topic, { group: "g" })))).toBe("TOPIC_MISSING");
    expect(await failureOf(bus.publish(topic, new Message("a")))).toMatchObject({ code: "TOPIC_MISSING", outcomes: ["rejected"] });
    const blind = openBus(url, { provision: "off" });
    expect(await failureOf(blind.publish(topic, new Message("a")))).toMatchObject({ code: "TOPIC_MISSING", outcomes: ["rejected"] });
    await openBus(url).provision(topic, { group: "g" });
    await blind.publish(topic, new Message("a"));
    await bus.publish(topic, new Message("a"));
  });

  it("rejects a message larger than the broker's own limit with MESSAGE_TOO_LARGE, and goes on", async (context) => {
    const broker = here(context);
    await broker.control("eval", "application:set_env(rabbit, max_message_size, 100000).");
    const topic = fresh("large");
    const bus = openBus(broker.url);
    const subscription = await bus.subscribe(topic, { group: "g" });
    expect(await failureOf(bus.publish(topic, new Message(new Uint8Array(100_001))))).toMatchObject({ code: "MESSAGE_TOO_LARGE", outcomes: ["rejected"] });
    await bus.publish(topic, new Message("small"));
    expect((await readOne(subscription)).text()).toBe("small");
    await broker.control("eval", "application:set_env(rabbit, max_message_size, 134217728).");
  });
});

describe("a broker short of memory or disk", () => {
  it.for([
    ["memory", ["set_vm_memory_high_watermark", "0.00001"], ["set_vm_memory_high_watermark", "0.4"]],
    ["disk", ["set_disk_free_limit", "100000GB"], ["set_disk_free_limit", "50MB"]],
  ] as const)("pushes publishers back and takes acks while it has no %s", { timeout: 60_000 }, async ([resource, ordering, undoing], context) => {
    const broker = here(context);
    const topic = fresh("blocked");
    const bus = openBus(broker.url, { publishTimeoutMs: 1_500 });
    const subscription = await bus.subscribe(topic, { group: "g" });
    await bus.publish(topic, [new Message("a"), new Message("b")]);
    await broker.control(...ordering);
    try {
      // The broker tells a connection that it is blocked when that one publishes.
      expect((await failureOf(bus.publish(topic, new Message("c")))).code).toBe("BROKER_BLOCKED");
      expect(bus.status()).toMatchObject({ state: "blocked", detail: expect.stringContaining(resource) });
      expect(await failureOf(bus.publish(topic, new Message("d")))).toMatchObject({ code: "BROKER_BLOCKED", outcomes: ["rejected"] });
      expect((await readSome(subscription, 2)).map((message) => message.text())).toEqual(["a", "b"]);
      await subscription.flush();
      const queue = await (await bareChannel(broker.url)).checkQueue(`${topic}_g`);
      expect(queue.messageCount).toBe(0);
    } finally {
      await broker.control(...undoing);
    }
    await expect.poll(() => bus.status().state, { timeout: 10_000 }).toBe("running");
    await bus.publish(topic, new Message("e"));
  });

  it("is shown by the subscription of whom a message was nacked that cannot go back, the first one too", { timeout: 60_000 }, async (context) => {
    const broker = here(context);
    const topic = fresh("blocked-nack");
    const bus = openBus(broker.url);
    const subscription = await bus.subscribe(topic, { group: "g", maxInFlight: 4, orderBy: "none" });
    await bus.publish(topic, new Message("a"));
    const nacked = await takeOne(subscription);
    await broker.control("set_vm_memory_high_watermark", "0.00001");
    try {
      nacked.nack({ delayMs: 100 });
      await expect.poll(() => subscription.status(), { timeout: 10_000 }).toMatchObject({ state: "blocked", detail: expect.stringContaining("memory") });
    } finally {
      await broker.control("set_vm_memory_high_watermark", "0.4");
    }
    expect((await readSome(subscription, 1))[0]?.delivery.attempt).toBe(2);
    expect(subscription.status().state).toBe("running");
  });
});

describe("a connection that breaks", () => {
  it("shows a killed broker within 2 s, and runs within 2 s of its return", async (context) => {
    const broker = here(context);
    const topic = fresh("killed");
    const bus = openBus(broker.url);
    const subscription = await bus.subscribe(topic, { group: "g" });
    await bus.publish(topic, new Message("before"));
    const message = await takeOne(subscription);
    await broker.kill();
    await expect.poll(() => subscription.status().state, { timeout: 2_000 }).toBe("reconnecting");
    expect(message.ack()).toBe(false);
    expect(message.signal.aborted).toBe(true);
    await broker.start();
    // Tried at most 5 s apart.
    await expect.poll(() => subscription.status().state, { timeout: 7_000 }).toBe("running");
    await bus.publish(topic, new Message("after"));
    expect((await readSome(subscription, 2)).map((each) => each.text())).toEqual(["before", "after"]);
  }, 60_000);

  it("notices a half-open link within its heartbeat and 2 s, and heals", async (context) => {
    const { port } = here(context);
    const proxy = await ChaosProxy.start({ port });
    try {
      const bus = openBus(`amqp://guest:guest@127.0.0.1:${proxy.port}`, { heartbeatMs: 2_000, connectTimeoutMs: 1_000 });
      const topic = fresh("half-open");
      const subscription = await bus.subscribe(topic, { group: "g" });
      await bus.publish(topic, new Message("a"));
      proxy.stall();
      await expect.poll(() => subscription.status().state, { timeout: 4_000 }).toBe("reconnecting");
      await expect.poll(() => bus.status().state, { timeout: 4_000 }).toBe("reconnecting");
      proxy.heal();
      await expect.poll(() => subscription.status().state, { timeout: 7_000 }).toBe("running");
      await bus.publish(topic, new Message("b"));
      expect((await readSome(subscription, 2)).map((each) => each.text())).toEqual(["a", "b"]);
    } finally {
      await proxy.close();
    }
  }, 30_000);

  it("ends every call, at whatever moment the connection is cut", async (context) => {
    const { port } = here(context);
    const proxy = await ChaosProxy.start({ port });
    try {
      const bus = openBus(`amqp://guest:guest@127.0.0.1:${proxy.port}`);
      const topic = fresh("cut");
      for (let round = 0; round < 25; round++) {
        const provisioning = bus.provision(topic, { group: "g" }).catch(() => "failed");
        const publishing = bus.publish(topic, new Message("m")).catch(() => "failed");
        await sleep(round);
        proxy.cut();
        expect(await within(Promise.all([provisioning, publishing]), 10_000), `cut after ${round} ms`).not.toBe(LATE);
      }
    } finally {
      await proxy.close();
    }
  }, 60_000);

  it("tells which acks were lost with the connection", async (context) => {
    const { port } = here(context);
    const proxy = await ChaosProxy.start({ port });
    try {
      const bus = openBus(`amqp://guest:guest@127.0.0.1:${proxy.port}`);
      const topic = fresh("lost-acks");
      const subscription = await bus.subscribe(topic, { group: "g" });
      await bus.publish(topic, new Message("a"));
      const message = await takeOne(subscription);
      proxy.stall();
      expect(message.ack()).toBe(true);
      await sleep(50); // the ack leaves, and stays on the way
      proxy.cut();
      proxy.heal();
      await expect.poll(() => subscription.status().state, { timeout: 7_000 }).toBe("running");
      expect(await failureOf(subscription.flush())).toMatchObject({ code: "SETTLE_FAILED", positions: [message.id] });
      expect((await readSome(subscription, 1))[0]?.id).toBe(message.id);
      await subscription.flush();
    } finally {
      await proxy.close();
    }
  });
});

describe("what is taken away under a subscription", () => {
  it("is made again: a deleted queue, at once", async (context) => {
    const { url } = here(context);
    const topic = fresh("queue-gone");
    const bus = openBus(url);
    const subscription = await bus.subscribe(topic, { group: "g" });
    await bus.publish(topic, new Message("a"));
    const held = await takeOne(subscription);
    await (await bareChannel(url)).deleteQueue(`${topic}_g`);
    await expect.poll(() => subscription.status().lastError?.message, { timeout: 5_000 }).toMatch(/deleted/);
    expect(held.ack()).toBe(false);
    await expect.poll(() => subscription.status().state, { timeout: 5_000 }).toBe("running");
    await bus.publish(topic, new Message("b"));
    expect((await readSome(subscription, 1))[0]?.text()).toBe("b");
  });

  it("is made again: a deleted exchange, within checkTopologyMs", async (context) => {
    const { url } = here(context);
    const topic = fresh("exchange-gone");
    const bus = openBus(url, { checkTopologyMs: 200 });
    const subscription = await bus.subscribe(topic, { group: "g" });
    await bus.publish(topic, new Message("a"));
    await (await bareChannel(url)).deleteExchange(topic);
    await expect
      .poll(
        () =>
          bus.publish(topic, new Message("b")).then(
            () => true,
            (error: PublishError) => error.code,
          ),
        { timeout: 5_000, interval: 100 },
      )
      .toBe(true);
    expect((await readSome(subscription, 2)).map((each) => each.text())).toEqual(["a", "b"]);
    expect(subscription.status().lastError).toBeUndefined();
  });

  it("is waited for when it may not be made, with TOPIC_MISSING in the status", async (context) => {
    const { url } = here(context);
    const topic = fresh("verified");
    await openBus(url).provision(topic, { group: "g" });
    const subscription = await openBus(url, { provision: "verify" }).subscribe(topic, { group: "g" });
    const reading = readSome(subscription, 1);
    await expect.poll(async () => (await (await bareChannel(url)).checkQueue(`${topic}_g`)).consumerCount, { timeout: 5_000 }).toBe(1);
    await (await bareChannel(url)).deleteQueue(`${topic}_g`);
    await expect.poll(() => codeOf(subscription.status().lastError), { timeout: 5_000 }).toBe("TOPIC_MISSING");
    const bus = openBus(url);
    await bus.provision(topic, { group: "g" });
    await bus.publish(topic, new Message("again"));
    expect((await reading)[0]?.text()).toBe("again");
  });

  it("says CONSUMER_TIMEOUT when a message was held for longer than the broker allows, and goes on", async (context) => {
    const broker = here(context);
    await broker.control("eval", "application:set_env(rabbit, consumer_timeout, 500), application:set_env(rabbit, channel_tick_interval, 300).");
    try {
      const topic = fresh("slow");
      const bus = openBus(broker.url);
      const subscription = await bus.subscribe(topic, { group: "g" });
      await bus.publish(topic, new Message("a"));
      const held = await takeOne(subscription);
      await expect.poll(() => codeOf(subscription.status().lastError), { timeout: 10_000 }).toBe("CONSUMER_TIMEOUT");
      expect(held.ack()).toBe(false);
      expect((await readSome(subscription, 1))[0]?.id).toBe(held.id);
    } finally {
      await broker.control("eval", "application:set_env(rabbit, consumer_timeout, 1800000), application:set_env(rabbit, channel_tick_interval, 60000).");
    }
  }, 30_000);
});
