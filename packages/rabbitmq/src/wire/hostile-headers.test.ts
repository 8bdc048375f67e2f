import { Message, type ReceivedMessage, Router } from "millrace";
import { expect, it, type TestContext } from "vitest";
import { type RabbitmqBroker, sharedBroker } from "../../../../test/brokers/index.ts";
import { field, nested, publishRaw, sized } from "../testing/raw-message.ts";
import { bareChannel, fresh, openBus, present } from "../testing/with-broker.ts";

const shared = sharedBroker("rabbitmq");
const here = (context: TestContext): RabbitmqBroker => present(context, shared);

const text = (value: string): Buffer => sized(Buffer.from(value));
const id = (value: string): Buffer => field("_watermill_message_uuid", "S", text(value));

const READABLE: readonly (readonly [name: string, table: Buffer, metadata: string])[] = [
  ["a whole number of 64 bits, as Celery writes it", field("h", "L", Buffer.from("0000000100000000", "hex")), "4294967296"],
  ["a negative decimal", field("h", "D", Buffer.from("01fffffffb", "hex")), "-0.5"],
];
it.for(READABLE)("%s in the headers is metadata, and keeps its type on the way back", async ([, table, metadata], context) => {
  const { url } = here(context);
  const topic = fresh("typed");
  const bus = openBus(url);
  const subscription = await bus.subscribe(topic, { group: "g" });
  publishRaw(await bareChannel(url), `${topic}_g`, Buffer.concat([id("one"), table]), Buffer.from("typed"));
  const seen: string[] = [];
  for await (const message of subscription) {
    seen.push(`${message.id} ${message.metadata.get("h")} ${message.delivery.attempt}`);
    if (seen.length === 2) {
      message.ack();
      break;
    }
    message.nack({ delayMs: 50 });
  }
  expect(seen).toEqual([`one ${metadata} 1`, `one ${metadata} 2`]);
});

// What is no table at all the broker refuses when it is published: see read-properties.test.ts.
it("is the dead letter's when its headers are nested 12,000 deep, and a thousand good messages around it are handled without connecting anew", async (context) => {
  const { url } = here(context);
  const topic = fresh("hostile");
  const states: string[] = [];
  const bus = openBus(url);
  await bus.provision(topic, { group: "g" });
  const letters = `${topic}-dead`;
  await bus.provision(letters, { group: "g" });
  const good = Array.from({ length: 1_000 }, (_, index) => new Message(`m${index}`));
  await bus.publish(topic, good.slice(0, 500));
  const channel = await bareChannel(url);
  publishRaw(channel, `${topic}_g`, nested(12_000), Buffer.from("hostile"));
  await channel.checkQueue(`${topic}_g`); // it has arrived
  await bus.publish(topic, good.slice(500));
  const handled: string[] = [];
  const dead: ReceivedMessage[] = [];
  const done = Promise.withResolvers<void>();
  const look = (): void => {
    if (handled.length >= 1_000 && dead.length > 0) done.resolve();
  };
  const router = new Router({ subscriber: bus, failure: { deadLetter: { publisher: bus, topic: letters } } });
  router.addConsumerHandler({
    name: "h",
    subscribe: topic,
    group: "g",
    handle: (message) => {
      handled.push(message.text());
      look();
    },
  });
  await router.start();
  const readDead = (async () => {
    for await (const message of await bus.subscribe(letters, { group: "g" })) {
      dead.push(message);
      message.ack();
      look();
    }
  })();
  await done.promise;
  states.push(router.health().handlers.h?.state ?? "none");
  expect(router.health().handlers.h?.lastError).toBeUndefined();
  await router.close();
  await bus.close();
  await readDead;
  expect(states).toEqual(["running"]);
  expect(handled.toSorted()).toEqual(good.map((message) => message.text()).toSorted());
  expect(dead.map((message) => message.text())).toEqual(["hostile"]);
  expect([...(dead[0] as ReceivedMessage).metadata].map(([, value]) => value).join()).toContain("nested deeper than 32 levels");
});
