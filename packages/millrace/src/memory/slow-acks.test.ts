import { describe, expect, it } from "vitest";
import { RecordingLogger } from "../logger/recording-logger.fixture.ts";
import { Message } from "../message/index.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { MemoryPubSub } from "./index.ts";

const saying = "a publish has waited 10 s for acks";

describe("a publish that waits for acks", () => {
  it("logs one warning after 10 s that names the topic and the groups that owe them, and one more only after it went well again", async () => {
    using clock = new VirtualClock().install();
    const logger = new RecordingLogger();
    const bus = new MemoryPubSub({ blockPublishUntilAck: true, persistent: true, logger });
    await bus.provision("t", { group: "idle" });
    const fails = await bus.subscribe("t", { group: "fails" });
    const works = await bus.subscribe("t", { group: "works" });
    void (async () => {
      for await (const message of works) message.ack();
    })();
    const failing = fails[Symbol.asyncIterator]();
    const waiting = [bus.publish("t", new Message("1")), bus.publish("t", new Message("2"))];
    await clock.advance(9_900);
    expect(logger.saying(saying)).toEqual([]);
    await clock.advance(60_000);
    expect(logger.saying(saying)).toMatchObject([{ level: "warn", fields: { topic: "t", groups: ["idle", "fails"], withoutMembers: ["idle"] } }]);
    await bus.admin.deleteGroup?.("t", "idle");
    for (let left = 2; left > 0; left--) (await failing.next()).value?.ack();
    await Promise.all(waiting);
    const third = bus.publish("t", new Message("3"));
    await clock.advance(10_100);
    expect(logger.saying(saying)).toHaveLength(2);
    (await failing.next()).value?.ack();
    await third;
    await clock.advance(60_000);
    expect(logger.saying(saying)).toHaveLength(2);
    await bus.close();
  });
});
