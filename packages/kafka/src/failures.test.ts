import { Admin } from "@platformatic/kafka";
import { Message, type Subscription } from "millrace";
import { describe, expect } from "vitest";
import { KAFKA_USERS } from "../../../test/brokers/index.ts";
import { readSome } from "../../../test/read-some.ts";
import { until } from "../../../test/until.ts";
import type { KafkaPubSubOptions } from "./pub-sub.ts";
import { type KafkaWorld, kafkaTest, ownKafkaTest } from "./testing/kafka-test.ts";

const REQUEST_MS = 2000;

function withUser({ broker }: KafkaWorld, user: { readonly username: string; readonly password: string }): Partial<KafkaPubSubOptions> {
  const at = { host: "127.0.0.1", port: broker.saslPort };
  return { url: `kafka://127.0.0.1:${broker.saslPort}`, brokerAddress: () => at, sasl: { mechanism: "PLAIN", ...user } };
}

async function grant(world: KafkaWorld, topic: string): Promise<void> {
  const admin = new Admin({ clientId: "t", bootstrapBrokers: [`127.0.0.1:${world.broker.port}`] });
  // Topic, literal name, any operation, allowed.
  const acl = { resourceType: 2, resourceName: topic, resourcePatternType: 3, principal: "User:limited", host: "*", operation: 2, permissionType: 3 } as const;
  await admin.createAcls({ creations: [acl] });
  await admin.close();
}

function follow(subscription: Subscription): string[] {
  const seen: string[] = [];
  void (async () => {
    for await (const message of subscription) {
      seen.push(message.text());
      message.ack();
    }
  })();
  return seen;
}

describe("what a user does wrong", () => {
  kafkaTest("a wrong host is BROKER_UNREACHABLE, from subscribe at once, from publish when its time is up", async (world) => {
    const bus = world.open({ url: "kafka://127.0.0.1:1,nowhere.invalid:9092", publishTimeoutMs: 300 });
    await expect(bus.subscribe(world.name, { group: "g" })).rejects.toMatchObject({ code: "BROKER_UNREACHABLE", retryable: true });
    await expect(bus.provision(world.name)).rejects.toMatchObject({ code: "BROKER_UNREACHABLE" });
    await expect(bus.publish(world.name, new Message("m"))).rejects.toMatchObject({ code: "BROKER_UNREACHABLE", outcomes: ["rejected"] });
  });

  kafkaTest("a wrong password is AUTHENTICATION_FAILED at once", async (world) => {
    const bus = world.open(withUser(world, { ...KAFKA_USERS.admin, password: "wrong" }));
    const began = performance.now();
    await expect(bus.subscribe(world.name, { group: "g" })).rejects.toMatchObject({ code: "AUTHENTICATION_FAILED", retryable: false });
    await expect(bus.publish(world.name, new Message("m"))).rejects.toMatchObject({ code: "AUTHENTICATION_FAILED", outcomes: ["rejected"] });
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  kafkaTest("no password where one is asked for is BROKER_UNREACHABLE", async (world) => {
    const bus = world.open({ ...withUser(world, KAFKA_USERS.admin), sasl: undefined, requestTimeoutMs: REQUEST_MS });
    await expect(bus.subscribe(world.name)).rejects.toMatchObject({ code: "BROKER_UNREACHABLE" });
  });

  kafkaTest("the right password works, by PLAIN and by SCRAM", async (world) => {
    const bus = world.open(withUser(world, KAFKA_USERS.admin));
    await bus.publish(world.name, new Message("m"));
    expect((await readSome(await bus.subscribe(world.name, { group: world.name }), 1))[0]?.text()).toBe("m");
    const scram = world.open({ ...withUser(world, KAFKA_USERS.scram), sasl: { mechanism: "SCRAM-SHA-512", ...KAFKA_USERS.scram } });
    // Known by name, and without rights.
    await expect(scram.publish(world.name, new Message("m"))).rejects.toMatchObject({ code: "ACCESS_DENIED" });
  });

  kafkaTest("a topic without rights is ACCESS_DENIED", async (world) => {
    await world.open().provision(world.name);
    const bus = world.open(withUser(world, KAFKA_USERS.limited));
    await expect(bus.publish(world.name, new Message("m"))).rejects.toMatchObject({ code: "ACCESS_DENIED", outcomes: ["rejected"], retryable: false });
    await expect(bus.subscribe(world.name)).rejects.toMatchObject({ code: "ACCESS_DENIED" });
  });

  kafkaTest("a group without rights is ACCESS_DENIED, although its topic is granted", async (world) => {
    await world.open().provision(world.name);
    await grant(world, world.name);
    const bus = world.open(withUser(world, KAFKA_USERS.limited));
    await until(
      () =>
        bus.publish(world.name, new Message("m")).then(
          () => true,
          () => false,
        ),
      "the grant is known",
    );
    await expect(bus.subscribe(world.name, { group: world.name })).rejects.toMatchObject({ code: "ACCESS_DENIED" });
    expect((await readSome(await bus.subscribe(world.name), 1))[0]?.text()).toBe("m");
  });
});

describe("a broker that goes away", () => {
  ownKafkaTest("shows as reconnecting within 2 s of its SIGKILL, and as running within 2 s of its return; nothing is lost", async (world) => {
    const bus = world.open({ publishTimeoutMs: 100_000 }); // however long this machine takes to start a broker
    const grouped = await bus.subscribe(world.name, { group: world.name });
    const solo = await bus.subscribe(world.name);
    const [one, other] = [follow(grouped), follow(solo)];
    await bus.publish(world.name, new Message("before"));
    await until(() => one.length === 1 && other.length === 1, "both have read");
    await grouped.flush();
    const killedAt = performance.now();
    await world.broker.kill();
    await until(() => [grouped, solo].every((each) => each.status().state === "reconnecting"), "both are reconnecting", 2000 - (performance.now() - killedAt));
    expect(grouped.status().lastError).toMatchObject({ code: "BROKER_UNREACHABLE" });
    const publishing = bus.publish(world.name, new Message("during"));
    await world.broker.start();
    // Tried at most 5 s apart, and running within 2 s of the one that succeeds.
    await until(() => [grouped, solo].every((each) => each.status().state === "running"), "both are running", 7000);
    await publishing;
    await until(() => one.includes("during") && other.includes("during"), "both have read what was published meanwhile");
    expect([one, other]).toEqual([
      ["before", "during"],
      ["before", "during"],
    ]);
  });

  ownKafkaTest("shows as reconnecting within the request's time and 2 s when it says nothing any more, and heals when it does", async (world) => {
    const bus = world.open({ requestTimeoutMs: REQUEST_MS, connectTimeoutMs: 1000, heartbeatMs: 1000 });
    const grouped = await bus.subscribe(world.name, { group: world.name });
    const solo = await bus.subscribe(world.name);
    const idle = await bus.subscribe(world.name, { group: `${world.name}-idle` }); // nobody reads it: only heartbeats tell
    const [one, other] = [follow(grouped), follow(solo)];
    await bus.publish(world.name, new Message("before"));
    await until(() => one.length === 1 && other.length === 1, "both have read");
    const frozenAt = performance.now();
    world.broker.freeze();
    world.onFinished(() => world.broker.thaw());
    await until(
      () => [grouped, solo, idle].every((each) => each.status().state === "reconnecting"),
      "all are reconnecting",
      REQUEST_MS + 2000 - (performance.now() - frozenAt),
    );
    world.broker.thaw();
    await until(() => [grouped, solo, idle].every((each) => each.status().state === "running"), "all are running", 10_000);
    await bus.publish(world.name, new Message("after"));
    await until(() => one.includes("after") && other.includes("after"), "both read on");
  });
});
