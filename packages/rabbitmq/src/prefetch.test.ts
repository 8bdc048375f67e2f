import { Message } from "millrace";
import { describe, expect, it } from "vitest";
import { sharedBroker } from "../../../test/brokers/index.ts";
import { readSome } from "../../../test/read-some.ts";
import { bareChannel, fresh, openBus, present } from "./testing/with-broker.ts";

const shared = sharedBroker("rabbitmq");

describe("the broker's prefetch", () => {
  it("is not used up by messages that wait for their next attempt: the others go on", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("parked");
    const bus = openBus(url, { prefetch: 20 });
    await bus.provision(topic, { group: "g" });
    const bad = Array.from({ length: 300 }, () => new Message("bad", { key: "bad" }));
    const good = Array.from({ length: 100 }, (_, index) => new Message("good", { key: String(index) }));
    await bus.publish(topic, [...bad, ...good]);
    let handled = 0;
    for await (const message of await bus.subscribe(topic, { group: "g", maxInFlight: 4 })) {
      if (message.text() === "bad") message.nack({ delayMs: 60_000 });
      else if (message.ack() && ++handled === 100) break;
    }
    expect(handled).toBe(100);
  });

  it("leaves to another member what a slow one does not begin soon", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("slow");
    const bus = openBus(url);
    const slow = await bus.subscribe(topic, { group: "g" });
    await bus.publish(
      topic,
      Array.from({ length: 20 }, () => new Message("m")),
    );
    for await (const message of slow) {
      expect(message.delivery.attempt).toBe(1);
      break; // in hand for long
    }
    const quick = await openBus(url).subscribe(topic, { group: "g" });
    expect((await readSome(quick, 17)).length).toBe(17);
  });

  it("goes down to nothing while paused, and what was prefetched is the others' at once", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("paused");
    const bus = openBus(url);
    const subscription = await bus.subscribe(topic, { group: "g", maxInFlight: 10, orderBy: "none" });
    await bus.publish(
      topic,
      Array.from({ length: 50 }, () => new Message("m")),
    );
    await readSome(subscription, 1);
    await subscription.flush();
    subscription.pause();
    const channel = await bareChannel(url);
    await expect.poll(async () => await channel.checkQueue(`${topic}_g`)).toMatchObject({ messageCount: 49, consumerCount: 0 });
    subscription.resume();
    expect((await readSome(subscription, 49)).length).toBe(49);
  });
});
