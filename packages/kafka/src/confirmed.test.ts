import { Message } from "millrace";
import { describe, expect, vi } from "vitest";
import { readSome } from "../../../test/read-some.ts";
import { PartitionQueue } from "./partition-queue.ts";
import { type KafkaWorld, kafkaTest } from "./testing/kafka-test.ts";
import { BrokerLinks } from "./wire/broker-links.ts";
import { PRODUCE, type ProduceRequest } from "./wire/produce-api.ts";

/** Where a record batch has its producer's id. */
const PRODUCER_ID_AT = 43;

/** Makes the next batch say that it is `ahead` messages further on than it is. */
function misnumber(world: KafkaWorld, ahead: number): void {
  const original = PartitionQueue.prototype.seal;
  const spy = vi.spyOn(PartitionQueue.prototype, "seal").mockImplementationOnce(function (this: PartitionQueue, rules) {
    this.sequence += ahead;
    return original.call(this, rules);
  });
  world.onFinished(() => spy.mockRestore());
}

describe("what is confirmed", () => {
  kafkaTest("is in the log, also where the broker did not take the batch by its number at first", async (world) => {
    const bus = world.open({ topics: { partitions: 1 } });
    await bus.publish(world.name, new Message("a"));
    misnumber(world, 5);
    await bus.publish(world.name, new Message("b"));
    await bus.publish(world.name, new Message("c"));
    const got = await readSome(await bus.subscribe(world.name), 3);
    expect(got.map((message) => message.text())).toEqual(["a", "b", "c"]);
  });

  kafkaTest("is what all in-sync replicas have, and the broker removes repeats of it, where nothing else is said", async (world) => {
    const spy = vi.spyOn(BrokerLinks.prototype, "send");
    world.onFinished(() => spy.mockRestore());
    await world.open().publish(world.name, new Message("a"));
    const requests = spy.mock.calls.filter(([, api]) => (api as unknown) === PRODUCE).map(([, , request]) => request as unknown as ProduceRequest);
    expect(requests.map(({ acks, batches }) => [acks, batches.every(({ bytes }) => bytes.readBigInt64BE(PRODUCER_ID_AT) >= 0n)])).toEqual([[-1, true]]);
  });
});
