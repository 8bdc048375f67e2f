import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Message } from "millrace";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { takeOne } from "../../../test/read-some.ts";
import { SqlPubSub } from "./pub-sub.ts";
import { sqlite } from "./sqlite/sqlite.ts";
import { temporaryFile } from "./testing/temporary-file.ts";

let file: ReturnType<typeof temporaryFile>;

beforeEach(() => {
  file = temporaryFile();
});
afterEach(() => file.remove());

function publisher(topic: string, count: number, pauseMs: number): Promise<unknown> {
  const module = fileURLToPath(new URL("./testing/publishing-worker.ts", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=millrace:source", module, file.path, topic, String(count), String(pauseMs)], { stdio: "inherit" });
  return once(child, "exit").then(([code]) => expect(code).toBe(0));
}

describe("several processes on one file", () => {
  it("hands a message over from one process to another within 100 ms at p99", async () => {
    const pubsub = new SqlPubSub({ dialect: sqlite({ path: file.path }) });
    const subscription = await pubsub.subscribe("t", { group: "g" });
    const count = 100;
    const done = publisher("t", count, 7);
    const latencies: number[] = [];
    for await (const message of subscription) {
      latencies.push(performance.timeOrigin + performance.now() - (message.json() as number));
      message.ack();
      if (latencies.length === count) break;
    }
    await done;
    await pubsub.close();
    latencies.sort((a, b) => a - b);
    const at = (share: number): string => `${(latencies[Math.floor(share * (count - 1))] as number).toFixed(1)} ms`;
    console.log(`from publish in one process to the handler in another: p50 ${at(0.5)}, p99 ${at(0.99)}`);
    // The claim is 100 ms; a machine that runs other tests at once is given more.
    expect(latencies[Math.floor(0.99 * (count - 1))]).toBeLessThan(500);
  });

  it("lets three processes publish at once and loses nothing", async () => {
    const pubsub = new SqlPubSub({ dialect: sqlite({ path: file.path }) });
    const subscription = await pubsub.subscribe("t", { group: "g" });
    const done = Promise.all([1, 2, 3].map(() => publisher("t", 100, 0)));
    const ids = new Set<string>();
    for await (const message of subscription) {
      ids.add(message.id);
      message.ack();
      if (ids.size === 300) break;
    }
    await done;
    await subscription.flush();
    expect(await pubsub.purge("t", { consumed: true })).toBe(300);
    await pubsub.close();
  });

  it("costs next to nothing while it is idle", async () => {
    const pubsub = new SqlPubSub({ dialect: sqlite({ path: file.path }) });
    const subscriptions = await Promise.all(Array.from({ length: 10 }, (_, index) => pubsub.subscribe(`t${index}`, { group: "g" })));
    const readers = subscriptions.map((subscription) => subscription[Symbol.asyncIterator]().next());
    await new Promise((resolve) => setTimeout(resolve, 300));
    const began = performance.now();
    const before = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const { user, system } = process.cpuUsage(before);
    const share = (user + system) / 10 / (performance.now() - began);
    console.log(`idle with ten subscriptions: ${share.toFixed(2)} % of a core`);
    expect(share).toBeLessThan(5);
    await pubsub.close();
    await Promise.all(readers);
  });

  it("delivers again within 5 s what a process held that never came back", async () => {
    const dead = new SqlPubSub({ dialect: sqlite({ path: file.path }) });
    await dead.publish("t", new Message("x"));
    // As after SIGKILL: the claim stays in the database, and nobody renews it.
    const subscription = await dead.subscribe("t", { group: "g" });
    const held = await takeOne(subscription);
    const database = process.getBuiltinModule("node:sqlite");
    const hand = new database.DatabaseSync(file.path);
    const claims = hand.prepare("SELECT * FROM millrace_claims").all();
    held.ack();
    await dead.close();
    for (const claim of claims) {
      const columns = Object.keys(claim);
      hand
        .prepare(`INSERT INTO millrace_claims (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`)
        .run(...(Object.values(claim) as number[]));
    }
    hand.exec("UPDATE watermill_offsets_t SET offset_acked = 0");
    hand.close();
    const next = new SqlPubSub({ dialect: sqlite({ path: file.path }) });
    const began = performance.now();
    const again = await takeOne(await next.subscribe("t", { group: "g" }));
    expect(performance.now() - began).toBeLessThan(5000);
    expect(again.id).toBe(held.id);
    again.ack();
    await next.close();
  });
});
