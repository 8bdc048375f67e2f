import { Message, type ReceivedMessage } from "millrace";
import { describe, expect } from "vitest";
import { readSome } from "../../../test/read-some.ts";
import type { KafkaPubSub } from "./pub-sub.ts";
import { type KafkaWorld, kafkaTest } from "./testing/kafka-test.ts";
import { publisherTestOptions } from "./testing/test-options.ts";
import { KafkaTransactor } from "./transactor.ts";

const ONE = { topics: { partitions: 1 } } as const;

function transactor(world: KafkaWorld, id: string = world.name): KafkaTransactor {
  return world.use(new KafkaTransactor({ ...publisherTestOptions(world.broker.url), ...ONE, transactionalId: id }));
}

/** Everything in the topic up to the message "end", which this writes. */
async function contents(bus: KafkaPubSub, topic: string): Promise<string[]> {
  const end = new Message("end");
  await bus.publish(topic, end);
  const texts: string[] = [];
  for await (const message of await bus.subscribe(topic)) {
    message.ack();
    if (message.id === end.id) break;
    texts.push(message.text());
  }
  return texts;
}

describe("KafkaTransactor", () => {
  kafkaTest("publishes and acks as one", async (world) => {
    const bus = world.open(ONE);
    const out = `${world.name}-out`;
    await bus.publish(world.name, [new Message("a"), new Message("b"), new Message("c")]);
    const subscription = await bus.subscribe(world.name, { group: world.name });
    const transactions = transactor(world);
    for await (const message of subscription) {
      const result = await transactions.run(async (transaction) => {
        await transaction.publish(out, new Message(`${message.text()}!`));
        transaction.ack(message);
        return message.text();
      });
      expect(await message.settled).toBe("acked");
      if (result === "c") break;
    }
    expect(await contents(bus, out)).toEqual(["a!", "b!", "c!"]);
    await subscription[Symbol.asyncDispose]();
    await bus.publish(world.name, new Message("d"));
    const next = await world.open(ONE).subscribe(world.name, { group: world.name });
    expect((await readSome(next, 1))[0]?.text()).toBe("d");
  });

  kafkaTest("acks and publishes nothing when the work fails, and goes on with the next", async (world) => {
    const bus = world.open(ONE);
    const out = `${world.name}-out`;
    await bus.publish(world.name, [new Message("a"), new Message("b")]);
    const subscription = await bus.subscribe(world.name, { group: world.name });
    const transactions = transactor(world);
    const [first] = await readSome(subscription, 1, false);
    const failing = transactions.run(async (transaction) => {
      await transaction.publish(out, new Message("never"));
      transaction.ack(first as ReceivedMessage);
      throw new Error("the work failed");
    });
    await expect(failing).rejects.toThrow("the work failed");
    expect(first?.nack()).toBe(true);
    const [again] = await readSome(subscription, 1, false);
    expect([again?.text(), again?.delivery.attempt]).toEqual(["a", 2]);
    await transactions.run(async (transaction) => {
      await transaction.publish(out, new Message("a!"));
      transaction.ack(again as ReceivedMessage);
    });
    expect(await contents(bus, out)).toEqual(["a!"]);
  });

  kafkaTest("hides what is not committed from readers, unless they ask for it", async (world) => {
    const bus = world.open(ONE);
    const eager = world.open({ ...ONE, isolation: "uncommitted" });
    await bus.publish(world.name, new Message("before"));
    const seen: string[] = [];
    const careful = await bus.subscribe(world.name);
    void (async () => {
      for await (const message of careful) {
        seen.push(message.text());
        message.ack();
      }
    })();
    await transactor(world).run(async (transaction) => {
      await transaction.publish(world.name, new Message("inside"));
      expect((await readSome(await eager.subscribe(world.name), 2)).map((message) => message.text())).toEqual(["before", "inside"]);
      expect(seen).not.toContain("inside");
    });
    expect(await contents(bus, world.name)).toEqual(["before", "inside"]);
  });

  kafkaTest("acks messages out of order, and keeps what lies before them for another attempt", async (world) => {
    const bus = world.open(ONE);
    await bus.publish(
      world.name,
      Array.from({ length: 4 }, (_, index) => new Message(String(index), { key: `k${index}` })),
    );
    const subscription = await bus.subscribe(world.name, { group: world.name, maxInFlight: 4 });
    const [, second, , fourth] = await readSome(subscription, 4, false);
    await transactor(world).run(async (transaction) => {
      transaction.ack(second as ReceivedMessage);
      transaction.ack(fourth as ReceivedMessage);
      await Promise.resolve();
    });
    await subscription[Symbol.asyncDispose]();
    const next = await world.open(ONE).subscribe(world.name, { group: world.name, maxInFlight: 4 });
    expect((await readSome(next, 2)).map((message) => message.text())).toEqual(["0", "2"]);
  });

  kafkaTest("fences the older of two processes with one id with PRODUCER_FENCED", async (world) => {
    const older = transactor(world);
    await older.run((transaction) => transaction.publish(world.name, new Message("older")));
    const newer = transactor(world);
    await newer.run((transaction) => transaction.publish(world.name, new Message("newer")));
    await expect(older.run((transaction) => transaction.publish(world.name, new Message("too late")))).rejects.toMatchObject({ code: "PRODUCER_FENCED" });
    expect(await contents(world.open(ONE), world.name)).toEqual(["older", "newer"]);
  });

  kafkaTest("refuses to ack what was lost to another member, or does not come from a group", async (world) => {
    const bus = world.open(ONE);
    await bus.publish(world.name, new Message("a"));
    const subscription = await bus.subscribe(world.name, { group: world.name });
    const [message] = await readSome(subscription, 1, false);
    await subscription[Symbol.asyncDispose]();
    const transactions = transactor(world);
    const out = `${world.name}-out`;
    const late = transactions.run(async (transaction) => {
      await transaction.publish(out, new Message("never"));
      transaction.ack(message as ReceivedMessage);
    });
    await expect(late).rejects.toMatchObject({ code: "DELIVERY_LOST" });
    await using alone = await bus.subscribe(world.name);
    const [solo] = await readSome(alone, 1, false);
    await expect(transactions.run(async (transaction) => transaction.ack(solo as ReceivedMessage))).rejects.toMatchObject({ code: "NOT_TRANSACTIONAL" });
    expect(await contents(bus, out)).toEqual([]);
  });

  kafkaTest("refuses what is published or acked when the work has ended, which would belong to the next", async (world) => {
    const bus = world.open(ONE);
    await bus.publish(world.name, new Message("a"));
    await using subscription = await bus.subscribe(world.name, { group: world.name });
    const [message] = await readSome(subscription, 1, false);
    const out = `${world.name}-out`;
    const transactions = transactor(world);
    const over = await transactions.run(async (transaction) => ({ transaction }));
    await transactions.run(async (transaction) => {
      await transaction.publish(out, new Message("mine"));
      await expect(over.transaction.publish(out, new Message("not mine"))).rejects.toMatchObject({ code: "TRANSACTION_OVER" });
      expect(() => over.transaction.ack(message as ReceivedMessage)).toThrow("the transaction is over");
    });
    expect(await contents(bus, out)).toEqual(["mine"]);
  });

  kafkaTest("refuses acks that find no place in the group's record", async (world) => {
    const bus = world.open(ONE);
    await bus.publish(
      world.name,
      Array.from({ length: 2600 }, (_, index) => new Message(String(index), { key: String(index) })),
    );
    await using subscription = await bus.subscribe(world.name, { group: world.name, maxInFlight: 2600 });
    const messages = await readSome(subscription, 2600, false);
    const acking = transactor(world).run(async (transaction) => {
      for (let index = 1; index < 2600; index += 2) transaction.ack(messages[index] as ReceivedMessage);
    });
    await expect(acking).rejects.toMatchObject({ code: "SETTLE_FAILED", positions: expect.arrayContaining(["0:2599"]) });
  });

  kafkaTest("runs one transaction at a time, and refuses them after close", async (world) => {
    const transactions = transactor(world);
    let running = 0;
    await Promise.all(
      Array.from({ length: 5 }, (_, index) =>
        transactions.run(async (transaction) => {
          expect(++running).toBe(1);
          await transaction.publish(world.name, new Message(String(index)));
          running--;
        }),
      ),
    );
    await transactions.close();
    await expect(transactions.run(async () => {})).rejects.toMatchObject({ code: "CLOSED" });
    expect(await contents(world.open(ONE), world.name)).toEqual(["0", "1", "2", "3", "4"]);
  });
});
