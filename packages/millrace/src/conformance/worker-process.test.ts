import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { Bell } from "./bell.ts";
import { WorkerProcess, type WorkerTask } from "./worker-process.ts";

const module = fileURLToPath(new URL("testdata/memory-worker.ts", import.meta.url));
const started: WorkerProcess[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((worker) => worker.kill()));
});

function start(task: Partial<WorkerTask> = {}, bell: Bell = new Bell()): { readonly worker: WorkerProcess; readonly bell: Bell } {
  const worker = new WorkerProcess({ module, execArgv: ["--conditions=millrace:source"] }, { topic: "t", group: "g", ...task }, bell);
  started.push(worker);
  return { worker, bell };
}

describe("WorkerProcess", () => {
  it("reports what it receives and obeys orders", async () => {
    const { worker, bell } = start();
    await bell.until(() => worker.received.length === 1, "the first one is received", 10_000);
    worker.tell({ order: "ack", id: "a" });
    await bell.until(() => worker.received.length === 2, "the second one is received", 10_000);
    expect(worker.verdictHolds("a")).toBe(true);
    worker.tell({ order: "nack", id: "b" });
    await bell.until(() => worker.received.length === 3, "the second one comes again", 10_000);
    expect(worker.received).toEqual(["a", "b", "b"]);
    expect(worker.reports).toContainEqual({ event: "received", id: "b", attempt: 2 });
    worker.tell({ order: "flush" });
    await bell.until(() => worker.has("flushed"), "it has flushed", 10_000);
  });

  it("stands still while frozen and goes on when woken", async () => {
    const { worker, bell } = start();
    await bell.until(() => worker.received.length === 1, "the first one is received", 10_000);
    await worker.freeze();
    worker.tell({ order: "ack", id: "a" });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(worker.verdictHolds("a")).toBeUndefined();
    worker.wake();
    await bell.until(() => worker.verdictHolds("a") !== undefined, "it has acked", 10_000);
  });

  it("blocks its event loop on order, and closes on order", async () => {
    const { worker, bell } = start({ verdict: "ack" });
    await bell.until(() => worker.received.length === 3, "all are received", 10_000);
    worker.tell({ order: "block", ms: 50 });
    worker.tell({ order: "close" });
    await bell.until(() => worker.has("closed"), "it has closed", 10_000);
    expect(worker.reports.map(({ event }) => event).slice(-3)).toEqual(["blocking", "unblocked", "closed"]);
  });

  it("is gone after kill, without a failure", async () => {
    const { worker, bell } = start();
    await bell.until(() => worker.ready, "it has subscribed", 10_000);
    await worker.kill();
    await expect(bell.until(() => true, "nothing", 10)).resolves.toBeUndefined();
  });

  it("fails everyone who waits when it ends by itself", async () => {
    const bell = new Bell();
    started.push(new WorkerProcess({ module: "/nowhere/worker.ts" }, { topic: "t", group: undefined }, bell));
    await expect(bell.until(() => false, "never", 10_000)).rejects.toThrow("ended by itself with code 1");
  });
});
