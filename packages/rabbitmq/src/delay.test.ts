import { Message, type ReceivedMessage, type Subscription, silentLogger } from "millrace";
import { describe, expect, it } from "vitest";
import { sharedBroker } from "../../../test/brokers/index.ts";
import { readSome, takeOne } from "../../../test/read-some.ts";
import { rabbitMqDelivery } from "./receipt.ts";
import { bareChannel, fresh, openBus, present } from "./testing/with-broker.ts";

const shared = sharedBroker("rabbitmq");
const UNORDERED = { group: "g", maxInFlight: 4, orderBy: "none" } as const;

/** Reads; `decide` gives each its verdict and says whether it was the last. */
async function handle(subscription: Subscription, decide: (message: ReceivedMessage) => boolean): Promise<void> {
  for await (const message of subscription) if (decide(message)) break;
}

describe("a message that was nacked with a delay", () => {
  it("waits at the broker, and another member may be given it", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("delayed");
    const bus = openBus(url);
    const first = await bus.subscribe(topic, UNORDERED);
    await bus.publish(topic, new Message("m", { key: "k", metadata: { a: "b" } }));
    const message = await takeOne(first);
    const began = performance.now();
    message.nack({ delayMs: 1_000 });
    await first.flush();
    const channel = await bareChannel(url);
    expect((await channel.checkQueue(`${topic}_g`)).messageCount).toBe(0);
    await first.close();
    const second = await openBus(url).subscribe(topic, UNORDERED);
    const again = await takeOne(second);
    expect(performance.now() - began).toBeGreaterThanOrEqual(1_000);
    expect(again).toMatchObject({ id: message.id, key: "k" });
    expect(Object.fromEntries(again.metadata)).toEqual({ a: "b" });
    expect(again.delivery.attempt).toBe(2);
    expect(rabbitMqDelivery(again)).toMatchObject({ exchange: topic, routingKey: "" });
    again.ack();
  });

  it("counts its attempts over many rounds, and gathers no trail of them", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("rounds");
    const bus = openBus(url);
    const subscription = await bus.subscribe(topic, UNORDERED);
    await bus.publish(topic, new Message("m"));
    const attempts: number[] = [];
    const trails: number[] = [];
    await handle(subscription, (message) => {
      attempts.push(message.delivery.attempt);
      trails.push(((rabbitMqDelivery(message)?.headers["x-death"] as unknown[] | undefined) ?? []).length);
      if (attempts.length < 5) message.nack({ delayMs: 500 });
      else message.ack();
      return attempts.length === 5;
    });
    expect(attempts).toEqual([1, 2, 3, 4, 5]);
    expect(trails.slice(2)).toEqual([2, 2, 2]); // one step, and the queue before its own; the first time nothing may be left to wait for
  });

  it("without a delay goes behind the others, not before them", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("at-once");
    const bus = openBus(url);
    await bus.provision(topic, { group: "g" });
    await bus.publish(topic, [new Message("bad"), ...Array.from({ length: 50 }, (_, index) => new Message(String(index)))]);
    const order: string[] = [];
    await handle(await bus.subscribe(topic, { group: "g", maxInFlight: 2, orderBy: "none" }), (message) => {
      order.push(message.text());
      if (message.text() === "bad" && message.delivery.attempt < 3) message.nack();
      else message.ack();
      return order.length === 53;
    });
    expect(order.filter((text) => text === "bad").length).toBe(3);
    expect(order.lastIndexOf("bad")).toBeGreaterThan(40);
  });

  it("stays here where that is wanted, for members that cannot read what the broker adds", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("here");
    const bus = openBus(url, { delay: "here" });
    const subscription = await bus.subscribe(topic, UNORDERED);
    await bus.publish(topic, new Message("m"));
    const headers: unknown[] = [];
    await handle(subscription, (message) => {
      headers.push(rabbitMqDelivery(message)?.headers);
      if (headers.length < 3) message.nack({ delayMs: 10 });
      else message.ack();
      return headers.length === 3;
    });
    expect(headers[2]).toEqual(headers[0]);
  });

  it("keeps the properties of a foreign message, but what would send it elsewhere", async (context) => {
    const { url } = present(context, shared);
    const [topic, copy] = [fresh("kept"), fresh("copy")];
    const channel = await bareChannel(url);
    await channel.assertQueue(copy, { autoDelete: true });
    const bus = openBus(url);
    const subscription = await bus.subscribe(topic, UNORDERED);
    channel.publish(topic, "", Buffer.from("m"), { CC: copy, expiration: "60000", contentType: "text/x", messageId: "1", priority: 3, headers: { n: 7 } });
    let seen = 0;
    await handle(subscription, (message) => {
      if (++seen === 1) message.nack({ delayMs: 10 });
      else {
        const { properties, headers } = rabbitMqDelivery(message) as NonNullable<ReturnType<typeof rabbitMqDelivery>>;
        expect(properties).toMatchObject({ contentType: "text/x", messageId: "1", priority: 3, expiration: "60000" });
        expect(headers).toMatchObject({ n: 7, millrace_attempt: "2" });
        expect(headers.CC).toBeUndefined();
        message.ack();
      }
      return seen === 2;
    });
    expect((await channel.checkQueue(copy)).messageCount).toBe(0);
  });
});

describe("bytes that cannot be decoded", () => {
  it("wait at the broker, not only for a moment, and take no place of the others", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("undecodable");
    const errors: string[] = [];
    const bus = openBus(url, { logger: { ...silentLogger, error: (_fields, text) => void errors.push(String(text)) } });
    const subscription = await bus.subscribe(topic, { group: "g" });
    const channel = await bareChannel(url);
    channel.publish(topic, "", Buffer.from("foreign"), { headers: { _watermill_message_uuid: 17 } });
    await bus.publish(topic, new Message("good"));
    expect((await readSome(subscription, 1))[0]?.text()).toBe("good");
    await subscription.flush();
    await expect.poll(async () => (await (await bareChannel(url)).checkQueue(`${topic}_g`)).messageCount).toBe(0);
    expect(subscription.status()).toMatchObject({ held: 0, inFlight: 0, detail: expect.stringContaining("undecodable") });
    await bus.publish(topic, new Message("later", { delayMs: 500 }));
    expect((await readSome(subscription, 1))[0]?.text()).toBe("later");
    await subscription.flush();
    expect(errors.filter((text) => text.includes("could not be decoded"))).toHaveLength(1);
  });
});
