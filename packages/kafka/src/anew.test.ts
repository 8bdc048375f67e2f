import { Message, type ReceivedMessage, type Subscription } from "millrace";
import { ChaosProxy } from "millrace/conformance";
import { describe, expect } from "vitest";
import { until } from "../../../test/until.ts";
import { deleteTopic } from "./testing/delete-topic.ts";
import { kafkaTest } from "./testing/kafka-test.ts";

const ONE = { topics: { partitions: 1 } } as const;

/** Reads until the end of the test; acks all but `held`, which it keeps. */
function follow(subscription: Subscription, held = ""): { readonly seen: string[]; kept(): ReceivedMessage | undefined } {
  const seen: string[] = [];
  let kept: ReceivedMessage | undefined;
  void (async () => {
    for await (const message of subscription) {
      seen.push(message.text());
      if (message.text() === held) kept = message;
      else message.ack();
    }
  })();
  return { seen, kept: () => kept };
}

const named = (name: string, count: number): Message[] => Array.from({ length: count }, (_, index) => new Message(`${name}${index}`));

describe("a topic that was deleted and made anew while nobody looked", () => {
  kafkaTest("is read from its beginning, with a group and without, whatever the old one's position was", async (world) => {
    const proxy = world.use(await ChaosProxy.start({ port: world.broker.port }));
    const bus = world.open({ ...ONE, brokerAddress: () => ({ host: "127.0.0.1", port: proxy.port }) });
    const grouped = await bus.subscribe(world.name, { group: world.name, maxInFlight: 4 });
    const [one, other] = [follow(grouped, "old5"), follow(await bus.subscribe(world.name))];
    const publisher = world.open(ONE);
    await publisher.publish(world.name, named("old", 6));
    await until(() => one.kept() !== undefined && other.seen.length === 6, "the old ones are read");
    await new Promise((resolve) => setTimeout(resolve, 300)); // five are committed
    proxy.stall();
    await new Promise((resolve) => setTimeout(resolve, 700)); // the fetches are answered, and the answers have not come
    await deleteTopic(world.broker, world.name);
    await until(
      () =>
        publisher.publish(world.name, named("new", 20)).then(
          () => true,
          () => false,
        ),
      "the topic is there again",
    );
    one.kept()?.ack(); // a commit that is of the old topic
    await new Promise((resolve) => setTimeout(resolve, 200));
    proxy.heal();
    await until(() => [one, other].every(({ seen }) => seen.includes("new19")), "the new ones are read");
    const expected = named("new", 20).map((message) => message.text());
    for (const { seen } of [one, other]) expect(seen.filter((text) => text.startsWith("new"))).toEqual(expected);
  });
});
