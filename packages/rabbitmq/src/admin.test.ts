import { Message } from "millrace";
import { describe, expect, it } from "vitest";
import { sharedBroker } from "../../../test/brokers/index.ts";
import { readSome, takeOne } from "../../../test/read-some.ts";
import { RabbitMqPubSub } from "./pub-sub.ts";
import { bareChannel, fresh, openBus, present } from "./testing/with-broker.ts";
import { topicExchangeTopology } from "./topology.ts";

const shared = sharedBroker("rabbitmq");

describe("the admin of RabbitMQ", () => {
  it("is there without a connection, and answers only what AMQP can say", () => {
    expect(Object.keys(new RabbitMqPubSub({ url: "amqp://127.0.0.1:1" }).admin)).toEqual(["deleteGroup"]);
  });

  it("deletes the queue of a group, and what waited in it", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("topic");
    const bus = openBus(url, { groupName: (name, group) => `${name}.of.${group}` });
    for (const group of ["kept", "gone"]) await bus.provision(topic, { group });
    await bus.publish(topic, new Message("before"));
    await bus.admin.deleteGroup?.(topic, "gone");
    await expect((await bareChannel(url)).checkQueue(`${topic}.of.gone`)).rejects.toMatchObject({ code: 404 });
    const fresher = await bus.subscribe(topic, { group: "gone" });
    await bus.publish(topic, new Message("after"));
    expect((await readSome(fresher, 1))[0]?.text()).toBe("after");
    expect((await readSome(await bus.subscribe(topic, { group: "kept" }), 2)).map((message) => message.text())).toEqual(["before", "after"]);
  });

  it("deletes none that has a consumer, wherever it is, or a paused member here", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("topic");
    const [bus, other] = [openBus(url), openBus(url)];
    const member = await other.subscribe(topic, { group: "g" });
    const reading = takeOne(member);
    // It waits for its first message, so that it has a consumer from some moment on.
    const probe = await bareChannel(url);
    while ((await probe.checkQueue(`${topic}_g`)).consumerCount === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await expect(bus.admin.deleteGroup?.(topic, "g")).rejects.toMatchObject({ code: "GROUP_BUSY", retryable: true });
    await bus.publish(topic, new Message("x"));
    const message = await reading;
    member.pause();
    await expect(other.admin.deleteGroup?.(topic, "g")).rejects.toMatchObject({ code: "GROUP_BUSY" });
    expect(message.ack()).toBe(true);
    await member.close();
    await bus.admin.deleteGroup?.(topic, "g");
    await expect(bus.admin.deleteGroup?.(topic, "g")).rejects.toMatchObject({ code: expect.stringMatching(/^UNKNOWN_(GROUP|TOPIC)$/) });
  });

  it("knows the topics and groups of every topology", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("topic");
    const queue = openBus(url, { topology: "queue" });
    await expect(queue.admin.deleteGroup?.(topic, "g")).rejects.toMatchObject({ code: "UNKNOWN_TOPIC" });
    await queue.provision(topic, { group: "g" });
    await queue.admin.deleteGroup?.(topic, "g");
    await expect(queue.admin.deleteGroup?.(topic, "g")).rejects.toMatchObject({ code: "UNKNOWN_TOPIC" });
    const patterns = openBus(url, { topology: topicExchangeTopology({ exchange: fresh("exchange") }), exchange: {} });
    await patterns.provision("order.*", { group: "g" });
    await expect(patterns.admin.deleteGroup?.("order.#", "g")).rejects.toMatchObject({ code: "UNKNOWN_GROUP" });
    await patterns.admin.deleteGroup?.("order.*", "g");
    await expect(patterns.admin.deleteGroup?.("order.*", "g")).rejects.toMatchObject({ code: "UNKNOWN_GROUP" });
  });
});
