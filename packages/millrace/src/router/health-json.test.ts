import { describe, expect, it } from "vitest";
import { MillraceError } from "../errors/index.ts";
import { silentLogger } from "../logger/index.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { Message } from "../message/index.ts";
import { Relay } from "../relay/relay.ts";
import { HandPublisher, HandSubscriber, Rig, until } from "./rig.fixture.ts";

const inJson = (health: object): Record<string, { readonly lastError: unknown }> => JSON.parse(JSON.stringify(health)).handlers;

describe("health as JSON", () => {
  it("keeps name, text and code of the last error, which stays an error: running, stopped, and in what observers are told", async () => {
    await using rig = new Rig({ failure: { attempts: 1, minDelayMs: 1, maxDelayMs: 5_000 } });
    const told: string[] = [];
    rig.router.observe({ state: ({ status }) => void told.push(JSON.stringify(status)) });
    const error = Object.assign(new TypeError("no such table"), { code: "42P01" });
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      handle: () => {
        throw error;
      },
    });
    rig.router.addConsumerHandler({ name: "b", subscribe: "t", handle: () => {} });
    await rig.router.start();
    await rig.send("t", "x");
    await until(() => rig.router.health().handlers.a?.state === "failing", "the failure");
    const shown = { name: "TypeError", message: "no such table", code: "42P01" };
    expect(rig.router.health().handlers.a?.lastError).toBe(error);
    expect(inJson(rig.router.health()).a).toMatchObject({ state: "failing", lastError: shown, counts: { failed: 1 } });
    expect(inJson(rig.router.health()).b).not.toHaveProperty("lastError");
    expect(JSON.parse(told.at(-1) ?? "")).toMatchObject({ state: "failing", lastError: shown });
    expect(Object.keys(rig.router.health().handlers.a ?? {})).not.toContain("toJSON");
    await rig.router.close({ timeoutMs: 0 });
    expect(inJson(rig.router.health()).a).toMatchObject({ state: "stopped", lastError: shown });
  });

  it("keeps it for a subscription and a relay", async () => {
    const error = new MillraceError("the target is full", { code: "TOO_FULL" });
    const shown = { name: "MillraceError", message: "the target is full", code: "TOO_FULL" };
    const subscriber = new HandSubscriber();
    const subscription = await subscriber.subscribe("t");
    subscriber.source.session.intake.fail(error);
    expect(JSON.parse(JSON.stringify(subscription.status()))).toMatchObject({ lastError: shown });
    await subscription[Symbol.asyncDispose]();

    const bus = new MemoryPubSub({ persistent: true });
    const publisher = new HandPublisher();
    publisher.onPublish = () => {
      throw error;
    };
    await using relay = new Relay({ logger: silentLogger });
    relay.add({ name: "r", subscriber: bus, topic: "t", batch: 1, maxWaitMs: 1, publisher, open: (message) => ({ topic: "out", message }) });
    await relay.start();
    await bus.publish("t", new Message("x"));
    await until(() => relay.health().handlers.r?.lastError !== undefined, "the failure");
    expect(inJson(relay.health()).r).toMatchObject({ lastError: shown });
    await bus.close();
  });
});
