import { readdir, truncate } from "node:fs/promises";
import { join } from "node:path";
import { Message, type Subscription } from "millrace";
import { describe, expect } from "vitest";
import { until } from "../../../test/until.ts";
import { type KafkaWorld, ownKafkaTest } from "./testing/kafka-test.ts";

const ONE = { topics: { partitions: 1 } } as const;

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

const named = (name: string, count: number): Message[] => Array.from({ length: count }, (_, index) => new Message(`${name}${index}`));

/** Cuts the log of a topic's first partition in half, as a disk does that lost what was not written yet. */
async function cutLog({ broker, name }: KafkaWorld): Promise<void> {
  const files = await readdir(broker.home, { recursive: true });
  const log = files.find((file) => file.endsWith(join(`${name}-0`, "00000000000000000000.log")));
  if (log === undefined) throw new Error(`no log of ${name} below ${broker.home}: ${files.length} files`);
  const path = join(broker.home, log);
  await truncate(path, Math.floor((await import("node:fs")).statSync(path).size / 2));
}

describe("a log that lost its tail", () => {
  ownKafkaTest("is read on where it was cut off, by members that live, by those that were away, and without a group", async (world) => {
    const bus = world.open(ONE);
    const away = await bus.subscribe(world.name, { group: `${world.name}-away` });
    const seen = [follow(await bus.subscribe(world.name, { group: world.name })), follow(await bus.subscribe(world.name))];
    const seenBefore = follow(away);
    for (const message of named("old", 10)) await bus.publish(world.name, message);
    await until(() => [...seen, seenBefore].every((each) => each.length === 10), "ten are read");
    await away.close();
    await new Promise((resolve) => setTimeout(resolve, 300)); // what is acked is committed
    await world.broker.kill();
    await cutLog(world);
    await world.broker.start();
    const other = world.open(ONE);
    for (const message of named("new", 10)) await other.publish(world.name, message);
    const back = follow(await other.subscribe(world.name, { group: `${world.name}-away` }));
    const expected = named("new", 10).map((message) => message.text());
    await until(() => [...seen, back].every((each) => each.includes("new9")), "the new ones are read");
    for (const each of [...seen, back]) expect(each.filter((text) => text.startsWith("new"))).toEqual(expected);
    expect(back[0]).toBe("new0");
    await until(async () => (await other.admin.lag?.(world.name, `${world.name}-away`))?.messages === 0, "the group is at the end");
  });
});
