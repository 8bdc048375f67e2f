import { Message, type ReceivedMessage } from "millrace";
import { ChaosProxy } from "millrace/conformance";
import { describe, expect, vi } from "vitest";
import { readSome } from "../../../test/read-some.ts";
import { until } from "../../../test/until.ts";
import { recordOf } from "./delivery.ts";
import type { PartitionRecord } from "./partition-reader.ts";
import { type KafkaWorld, kafkaTest } from "./testing/kafka-test.ts";
import { publisherTestOptions } from "./testing/test-options.ts";
import { TransactionCoordinator } from "./transaction-coordinator.ts";
import { KafkaTransactor, type KafkaTransactorOptions } from "./transactor.ts";

const ONE = { topics: { partitions: 1 } } as const;
const IMPATIENT = { publishTimeoutMs: 1000, requestTimeoutMs: 1000 } as const;

function transactor(world: KafkaWorld, options: Partial<KafkaTransactorOptions> = {}): KafkaTransactor {
  return world.use(new KafkaTransactor({ ...publisherTestOptions(world.broker.url), ...ONE, transactionalId: world.name, ...options }));
}

async function proxied(world: KafkaWorld): Promise<{ readonly proxy: ChaosProxy; readonly brokerAddress: () => { host: string; port: number } }> {
  const proxy = world.use(await ChaosProxy.start({ port: world.broker.port }));
  return { proxy, brokerAddress: () => ({ host: "127.0.0.1", port: proxy.port }) };
}

/** What a reader of committed messages has seen of the topic so far. */
async function follow(world: KafkaWorld, topic: string): Promise<string[]> {
  const seen: string[] = [];
  const subscription = await world.open(ONE).subscribe(topic);
  void (async () => {
    for await (const message of subscription) {
      seen.push(message.text());
      message.ack();
    }
  })();
  return seen;
}

/** Calls `before` when a transaction is about to be committed, once. */
function beforeCommit(world: KafkaWorld, before: () => unknown): void {
  const original = TransactionCoordinator.prototype.commit;
  const spy = vi.spyOn(TransactionCoordinator.prototype, "commit").mockImplementationOnce(async function (this: TransactionCoordinator, identity) {
    await before();
    return await original.call(this, identity);
  });
  world.onFinished(() => spy.mockRestore());
}

describe("a transaction that fails", () => {
  kafkaTest("leaves nothing open at the broker, whatever failed in it: readers go on at once, and so does the next transaction", async (world) => {
    const seen = await follow(world, world.name);
    const transactions = transactor(world);
    const failing = transactions.run(async (transaction) => {
      await transaction.publish(world.name, new Message("never"));
      await transaction.publish(world.name, new Message("x", { metadata: { _watermill_message_uuid: "1" } })); // cannot be encoded
    });
    await expect(failing).rejects.toMatchObject({ code: "UNENCODABLE" });
    await world.open(ONE).publish(world.name, new Message("plain"));
    await until(() => seen.length > 0, "it is read", 5000);
    await transactions.run((transaction) => transaction.publish(world.name, new Message("next")));
    await until(() => seen.length > 1, "the next is read", 5000);
    expect(seen).toEqual(["plain", "next"]);
  });

  kafkaTest("is ended by the next one, or by close, where the broker could not be reached", async (world) => {
    const { proxy, brokerAddress } = await proxied(world);
    const seen = await follow(world, world.name);
    const transactions = transactor(world, { ...IMPATIENT, brokerAddress });
    const plain = world.open(ONE);
    const fail = async (): Promise<void> => {
      const failing = transactions.run(async (transaction) => {
        await transaction.publish(world.name, new Message("never"));
        proxy.refuse();
        throw new Error("the work failed");
      });
      await expect(failing).rejects.toThrow("the work failed");
      proxy.heal();
    };
    await fail();
    await transactions.run((transaction) => transaction.publish(world.name, new Message("next")));
    await until(() => seen.length === 1, "the next is read", 5000);
    await fail();
    await transactions.close();
    await plain.publish(world.name, new Message("plain"));
    await until(() => seen.length === 2, "a plain message is read", 5000);
    expect(seen).toEqual(["next", "plain"]);
  });
});

describe("a publish in a transaction that got no answer", () => {
  kafkaTest("comes to nothing, and opens nothing behind the transaction, when the broker answers again", async (world) => {
    const { proxy, brokerAddress } = await proxied(world);
    const seen = await follow(world, world.name);
    const transactions = transactor(world, { ...IMPATIENT, brokerAddress });
    await transactions.run((transaction) => transaction.publish(world.name, new Message("first")));
    const naming = vi.spyOn(TransactionCoordinator.prototype, "addPartitions");
    world.onFinished(() => naming.mockRestore());
    const failing = transactions.run(async (transaction) => {
      await transaction.publish(world.name, new Message("named"));
      proxy.stall("answers");
      setTimeout(() => proxy.refuse(), 800); // sent, then tried again while nobody is there
      const publishing = transaction.publish(world.name, new Message("never"));
      await publishing.finally(() => {
        naming.mockClear();
        proxy.heal();
      });
    });
    await expect(failing).rejects.toMatchObject({ code: "BROKER_UNREACHABLE" });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(naming).not.toHaveBeenCalled();
    await transactions.run((transaction) => transaction.publish(world.name, new Message("next")));
    await world.open(ONE).publish(world.name, new Message("plain"));
    await until(() => seen.includes("plain"), "all is read", 5000);
    expect(seen).toEqual(["first", "next", "plain"]);
  });
});

describe("a commit without an answer", () => {
  for (const [title, direction] of [
    ["is found in the group's position where it was made: nothing runs twice", "answers"],
    ["is not found in the group's position where it was not made: its message comes again", "both"],
  ] as const) {
    kafkaTest(title, async (world) => {
      const { proxy, brokerAddress } = await proxied(world);
      const bus = world.open(ONE);
      const out = `${world.name}-out`;
      const seen = await follow(world, out);
      await bus.publish(world.name, [new Message("a"), new Message("b")]);
      await using subscription = await bus.subscribe(world.name, { group: world.name });
      const transactions = transactor(world, { ...IMPATIENT, brokerAddress });
      const runs: string[] = [];
      const handle = (message: ReceivedMessage): Promise<void> =>
        transactions.run(async (transaction) => {
          runs.push(message.text());
          await transaction.publish(out, new Message(message.text()));
          transaction.ack(message);
        });
      beforeCommit(world, () => {
        proxy.stall(direction);
        setTimeout(() => {
          proxy.cut();
          proxy.heal();
        }, 1500);
      });
      for await (const message of subscription) {
        await handle(message).catch((error: unknown) => {
          expect(error).toMatchObject({ code: "BROKER_UNREACHABLE" });
          expect(message.nack()).toBe(true);
        });
        if (message.text() === "b") break;
      }
      await until(() => seen.includes("b"), "both are read");
      expect(seen).toEqual(["a", "b"]);
      expect(runs).toEqual(direction === "answers" ? ["a", "b"] : ["a", "a", "b"]);
    });
  }

  kafkaTest("is reported as unknown where no group tells", async (world) => {
    const { proxy, brokerAddress } = await proxied(world);
    const seen = await follow(world, world.name);
    const transactions = transactor(world, { ...IMPATIENT, brokerAddress });
    beforeCommit(world, () => {
      proxy.stall("answers");
      setTimeout(() => {
        proxy.cut();
        proxy.heal();
      }, 1500);
    });
    const doubtful = transactions.run((transaction) => transaction.publish(world.name, new Message("perhaps")));
    await expect(doubtful).rejects.toMatchObject({ code: "COMMIT_UNKNOWN", retryable: true });
    await transactions.run((transaction) => transaction.publish(world.name, new Message("next")));
    await until(() => seen.includes("next"), "the next is read");
    expect(seen).toEqual(["perhaps", "next"]);
  });
});

describe("transactions and the groups that they ack in", () => {
  kafkaTest("do not wait for each other for ever when two ack in the same groups in opposite order", async (world) => {
    const bus = world.open(ONE);
    await bus.publish(
      world.name,
      Array.from({ length: 20 }, (_, index) => new Message(String(index), { key: String(index) })),
    );
    const [first, second] = await Promise.all(
      ["one", "two"].map(async (name) => {
        const subscription = await bus.subscribe(world.name, { group: `${world.name}-${name}`, maxInFlight: 20 });
        return await readSome(subscription, 20, false);
      }),
    );
    const transactors = ["a", "b"].map((name) => transactor(world, { transactionalId: `${world.name}-${name}` }));
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        transactors.map((transactions, place) =>
          transactions.run(async (transaction) => {
            const index = round * 2 + place;
            const both = [first?.[index], second?.[index]] as ReceivedMessage[];
            for (const message of place === 0 ? both : both.reverse()) transaction.ack(message);
          }),
        ),
      );
    }
    expect(await Promise.all([...(first ?? []), ...(second ?? [])].map(({ settled }) => settled))).toEqual(Array(40).fill("acked"));
  });

  kafkaTest("do not move the position of a partition that was given up while they waited for it", async (world) => {
    const options = { revokeDrainMs: 100, topics: { partitions: 2 }, partitioner: (key: Uint8Array) => Number(String(Buffer.from(key))) };
    const bus = world.open(options);
    await bus.publish(world.name, [new Message("0", { key: "0" }), new Message("1", { key: "1" })]);
    await using subscription = await bus.subscribe(world.name, { group: world.name, maxInFlight: 2 });
    const messages = await readSome(subscription, 2, false);
    const places = messages.map((message) => (recordOf(message) as PartitionRecord).place);
    const decided = Promise.withResolvers<void>();
    for (const place of places) place.deciding = decided.promise;
    const acking = transactor(world).run(async (transaction) => {
      for (const message of messages) transaction.ack(message);
    });
    await using _other = await world.open(options).subscribe(world.name, { group: world.name });
    await until(() => places.some(({ dead }) => dead), "one partition is the other's");
    for (const place of places) place.deciding = undefined;
    decided.resolve();
    await expect(acking).rejects.toMatchObject({ code: "DELIVERY_LOST" });
  });

  kafkaTest("let a group's own commits wait until they are decided", async (world) => {
    const bus = world.open(ONE);
    await bus.publish(
      world.name,
      Array.from({ length: 3 }, (_, index) => new Message(String(index), { key: String(index) })),
    );
    const subscription = await bus.subscribe(world.name, { group: world.name, maxInFlight: 3 });
    const [first, second] = await readSome(subscription, 3, false);
    let flushed = false;
    let flushing: Promise<void> | undefined;
    beforeCommit(world, async () => {
      second?.ack();
      flushing = subscription.flush().then(() => {
        flushed = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(flushed).toBe(false);
    });
    await transactor(world).run(async (transaction) => transaction.ack(first as ReceivedMessage));
    await flushing;
    await subscription[Symbol.asyncDispose]();
    await using next = await world.open(ONE).subscribe(world.name, { group: world.name });
    expect((await readSome(next, 1)).map((message) => message.text())).toEqual(["2"]);
  });
});
