import { Message } from "millrace";
import { ChaosProxy } from "millrace/conformance";
import { describe, expect, it } from "vitest";
import { sharedBroker } from "../../../../test/brokers/index.ts";
import { readSome } from "../../../../test/read-some.ts";
import { fresh, openBus, present } from "../testing/with-broker.ts";

const shared = sharedBroker("rabbitmq");
const SAFE_AFTER_MS = 1_000;

describe("a delayed message for which a queue was made", () => {
  it("is confirmed when the queue survives a kill of the broker, and the next ones at once", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("new");
    const bus = openBus(url);
    const subscription = await bus.subscribe(topic, { group: "g" });
    const took: number[] = [];
    for (const text of ["first", "second"]) {
      const began = performance.now();
      await bus.publish(topic, new Message(text, { delayMs: 3_000 }));
      took.push(performance.now() - began);
    }
    expect(took[0]).toBeGreaterThanOrEqual(SAFE_AFTER_MS);
    expect(took[1]).toBeLessThan(SAFE_AFTER_MS / 2);
    expect((await readSome(subscription, 2)).map((message) => message.text())).toEqual(["first", "second"]);
  });

  it("has an unknown outcome when the connection ends before", async (context) => {
    const broker = present(context, shared);
    const proxy = await ChaosProxy.start({ port: broker.port });
    const topic = fresh("cut");
    const subscription = await openBus(broker.url).subscribe(topic, { group: "g" });
    const bus = openBus(`amqp://guest:guest@127.0.0.1:${proxy.port}`);
    const known = fresh("known");
    await bus.provision(known, { group: "g" });
    await bus.publish(known, new Message("makes what all delays share", { delayMs: 3_000 }));
    const publishing = bus.publish(topic, new Message("held", { delayMs: 500 }));
    const failed = expect(publishing).rejects.toMatchObject({ outcomes: ["unknown"] });
    // It has come, so the broker had it; that the queue would survive is not known yet.
    expect((await readSome(subscription, 1)).map((message) => message.text())).toEqual(["held"]);
    proxy.cut();
    await failed;
    await proxy.close();
  });
});

describe("a nacked message for which a queue was made", () => {
  it("is its reader's until the queue survives a kill of the broker, and the next one is not", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("nacked");
    const bus = openBus(url);
    const known = fresh("known");
    await bus.provision(known, { group: "g" });
    await bus.publish(known, new Message("makes what all delays share", { delayMs: 3_000 }));
    const took: number[] = [];
    for (let round = 0; round < 2; round++) {
      const subscription = await bus.subscribe(topic, { group: "g", maxInFlight: 2, orderBy: "none" });
      await bus.publish(topic, new Message("nacked"));
      const [message] = await readSome(subscription, 1, false);
      message?.nack({ delayMs: 20_000 });
      const began = performance.now();
      await bus.publish(topic, new Message("passes meanwhile"));
      await readSome(subscription, 1);
      await subscription.close(); // flushes: what is on its way back has arrived
      took.push(performance.now() - began);
    }
    expect(took[0]).toBeGreaterThanOrEqual(SAFE_AFTER_MS);
    expect(took[1]).toBeLessThan(SAFE_AFTER_MS);
  });
});
