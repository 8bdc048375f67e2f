import { Message, type ReceivedMessage, type Subscription } from "millrace";
import { ChaosProxy } from "millrace/conformance";
import { describe, expect, vi } from "vitest";
import { until } from "../../../test/until.ts";
import { kafkaDelivery } from "./delivery.ts";
import { GroupClient } from "./group-client.ts";
import { GroupPeer } from "./group-peers.ts";
import { Handover } from "./handover.ts";
import type { KafkaPubSubOptions } from "./pub-sub.ts";
import { type KafkaWorld, kafkaTest } from "./testing/kafka-test.ts";

/** Reads until the end of the test, and acks what `ack` says. */
function follow(subscription: Subscription, ack: (message: ReceivedMessage) => boolean = () => true): string[] {
  const seen: string[] = [];
  void (async () => {
    for await (const message of subscription) {
      seen.push(message.text());
      if (ack(message)) message.ack();
    }
  })();
  return seen;
}

/** As if no member knew of another in its process. */
function asInProcessesOfTheirOwn(world: KafkaWorld): void {
  const spy = vi.spyOn(GroupPeer.prototype, "calling").mockImplementation(<T>(joining: Promise<T>) => joining);
  world.onFinished(() => spy.mockRestore());
}

/** What the group answers to those who join. */
function watchJoins(world: KafkaWorld): { generation: number; at: number } {
  const last = { generation: 0, at: performance.now() };
  const join = GroupClient.prototype.join;
  const spy = vi.spyOn(GroupClient.prototype, "join").mockImplementation(async function (this: GroupClient, request) {
    const joined = await join.call(this, request);
    last.generation = Math.max(last.generation, joined.generation);
    last.at = performance.now();
    return joined;
  });
  world.onFinished(() => spy.mockRestore());
  return last;
}

describe("members that gather", () => {
  for (const rebalance of ["cooperative", "eager"] as const) {
    kafkaTest(`come to rest after a few rounds, also beside one that beats slowly: ${rebalance}`, async (world) => {
      asInProcessesOfTheirOwn(world);
      const last = watchJoins(world);
      const options = { rebalance, topics: { partitions: 3 } };
      await world.open(options).provision(world.name);
      for (const heartbeatMs of [300, 300, 900]) {
        await world.open({ ...options, heartbeatMs }).subscribe(world.name, { group: world.name });
      }
      await until(() => performance.now() - last.at > 2000, "the group rests", 10_000);
      expect(last.generation).toBeLessThan(10);
    });
  }

  kafkaTest("in one process join together, without a heartbeat between one and the next", async (world) => {
    const options = { heartbeatMs: 3000, topics: { partitions: 8 } };
    await world.open(options).provision(world.name);
    const began = performance.now();
    const buses = Array.from({ length: 8 }, () => world.open(options));
    for (const bus of buses) await bus.subscribe(world.name, { group: world.name });
    expect(performance.now() - began).toBeLessThan(6000);
    await Promise.all(buses.map((bus) => bus.close()));
  });

  kafkaTest("keep what they have in hand of a partition that was to move and comes back", async (world) => {
    const options = { topics: { partitions: 2 }, partitioner: (key: Uint8Array) => Number(String(Buffer.from(key)).at(0)) };
    const bus = world.open(options);
    const subscription = await bus.subscribe(world.name, { group: world.name, maxInFlight: 4 });
    const held: ReceivedMessage[] = [];
    const seen = follow(subscription, (message) => {
      if (!message.text().startsWith("held")) return true;
      held.push(message);
      return false;
    });
    const inBoth = (text: string): Message[] => [0, 1].map((partition) => new Message(`${text}${partition}`, { key: `${partition}${text}` }));
    await bus.publish(world.name, [...inBoth("held"), ...inBoth("acked")]);
    await until(() => seen.length === 4, "both partitions have one in hand, and one acked behind it");
    // One of the two partitions is to move to this one, which leaves before it is free.
    const guest = await world.open(options).subscribe(world.name, { group: world.name });
    await bus.publish(world.name, inBoth("later"));
    await until(() => seen.length === 5, "one partition goes on, the other one is being given up");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(seen).toHaveLength(5);
    await guest.close();
    await until(() => seen.length === 6, "the other one goes on too");
    expect(held.map((message) => message.signal.aborted)).toEqual([false, false]);
    expect(held.map((message) => message.ack())).toEqual([true, true]);
    await subscription.flush();
    await subscription.close();
    const next = follow(await bus.subscribe(world.name, { group: world.name }));
    await bus.publish(world.name, inBoth("end"));
    await until(() => next.length >= 2, "the next member goes on");
    expect(next.sort()).toEqual(["end0", "end1"]);
    expect(seen.length).toBe(6);
  });
});

describe("members that come and go", () => {
  for (const rebalance of ["cooperative", "eager"] as const) {
    kafkaTest(`lose nothing and repeat nothing, with many messages in hand and connections that are cut: ${rebalance}`, async (world) => {
      const proxy = world.use(await ChaosProxy.start({ port: world.broker.port }));
      const options = { rebalance, topics: { partitions: 6 }, brokerAddress: () => ({ host: "127.0.0.1", port: proxy.port }) };
      const acked = new Map<number, number>();
      /** Answers with the number of the newest message that it was handed. */
      const read = (subscription: Subscription): (() => number) => {
        let newest = -1;
        void (async () => {
          for await (const message of subscription) {
            const number = Number(message.text());
            newest = Math.max(newest, number);
            setTimeout(() => message.ack() && acked.set(number, (acked.get(number) ?? 0) + 1), Math.random() * 30);
          }
        })();
        return () => newest;
      };
      const join = (): Promise<Subscription> => world.open(options).subscribe(world.name, { group: world.name, maxInFlight: 16 });
      const publisher = world.open({ topics: options.topics });
      await publisher.provision(world.name, { group: world.name });
      read(await join());
      let published = 0;
      let going = true;
      const publishing = (async () => {
        while (going) {
          const batch = Array.from({ length: 20 }, () => new Message(String(published), { key: `k${published++ % 50}` }));
          await publisher.publish(world.name, batch);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      })();
      for (let round = 0; round < 4; round++) {
        const guests = await Promise.all([join(), join()]);
        const newest = guests.map(read);
        await new Promise((resolve) => setTimeout(resolve, 50 * round));
        proxy.cut();
        const cutAt = published;
        // Who leaves without a connection is waited for by the others.
        await until(() => newest.every((number) => number() >= cutAt), "both read again");
        await Promise.all(guests.map((guest) => guest.close()));
      }
      going = false;
      await publishing;
      await until(() => acked.size === published, "all are acked");
      expect([...acked].filter(([, times]) => times > 1)).toEqual([]);
    });
  }
});

describe("a member that goes away while it joins", () => {
  /** Options by which every way to the broker takes `latencyMs`, in each direction. */
  async function slowly(world: KafkaWorld, latencyMs: number): Promise<Pick<KafkaPubSubOptions, "brokerAddress">> {
    const proxy = world.use(await ChaosProxy.start({ port: world.broker.port }));
    proxy.latencyMs = latencyMs;
    return { brokerAddress: () => ({ host: "127.0.0.1", port: proxy.port }) };
  }

  kafkaTest("is not waited for when its session ends while it lets go of what it has", async (world) => {
    asInProcessesOfTheirOwn(world);
    const options = { rebalance: "eager" } as const;
    const first = await world.open({ ...options, ...(await slowly(world, 50)) }).subscribe(world.name, { group: world.name });
    const ended = Promise.withResolvers<void>();
    const leave = vi.spyOn(GroupPeer.prototype, "leave").mockImplementation(() => ended.resolve());
    const original = Handover.prototype.letGo;
    const letGo = vi.spyOn(Handover.prototype, "letGo").mockImplementation(async function (this: Handover, some) {
      const gone = await original.call(this, some);
      if (some.length > 0) await ended.promise;
      return gone;
    });
    world.onFinished(() => {
      leave.mockRestore();
      letGo.mockRestore();
    });
    const join = (): Promise<Subscription> => world.open(options).subscribe(world.name, { group: world.name });
    const second = join();
    await until(() => letGo.mock.calls.some(([some]) => some.length > 0), "it is asked to join again");
    const began = performance.now();
    await first.close();
    await second;
    await join();
    expect(performance.now() - began).toBeLessThan(5000);
  });

  for (const [moment, named] of [
    ["is given a name", false],
    ["waits for the others", true],
  ] as const) {
    kafkaTest(`is not waited for when it is given up while it ${moment}`, async (world) => {
      asInProcessesOfTheirOwn(world);
      const join = (): Promise<Subscription> => world.open().subscribe(world.name, { group: world.name });
      await join();
      const givenUp = new AbortController();
      const original = GroupClient.prototype.join;
      const spy = vi.spyOn(GroupClient.prototype, "join").mockImplementation(function (this: GroupClient, request) {
        if ((request.memberId !== "") === named) setTimeout(() => givenUp.abort(), 75);
        return original.call(this, request);
      });
      world.onFinished(() => spy.mockRestore());
      const slow = world.open(await slowly(world, 50));
      await expect(slow.subscribe(world.name, { group: world.name, signal: givenUp.signal })).rejects.toThrow();
      spy.mockRestore();
      const began = performance.now();
      await join();
      await join();
      expect(performance.now() - began).toBeLessThan(5000);
    });
  }
});

describe("partitions that are added", () => {
  kafkaTest("are written to by a publisher that knows the topic, and read by every group of a subscriber", async (world) => {
    const { Admin } = await import("@platformatic/kafka");
    const bus = world.open({ topics: { partitions: 1 }, topicRefreshMs: 300 });
    const groups = await Promise.all(["a", "b", "c"].map((name) => bus.subscribe(world.name, { group: `${world.name}-${name}` })));
    const seen = groups.map(() => new Set<number>());
    for (const [index, group] of groups.entries()) {
      follow(group, (message) => {
        seen[index]?.add(kafkaDelivery(message)?.partition ?? -1);
        return true;
      });
    }
    await bus.publish(world.name, new Message("before"));
    const admin = new Admin({ clientId: "t", bootstrapBrokers: [`127.0.0.1:${world.broker.port}`] });
    await admin.createPartitions({ topics: [{ name: world.name, count: 4, assignments: null as never }] });
    await admin.close();
    const keyed = Array.from({ length: 40 }, (_, index) => new Message("after", { key: `k${index}` }));
    await until(
      async () => {
        await bus.publish(world.name, keyed);
        await new Promise((resolve) => setTimeout(resolve, 100));
        return seen.every((partitions) => partitions.size === 4);
      },
      "all groups read all partitions",
      10_000,
    );
  });
});
