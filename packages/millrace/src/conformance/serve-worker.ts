import { createInterface } from "node:readline";
import { Message, type PubSub, type ReceivedMessage, type Subscription } from "../message/index.ts";
import type { WorkerOrder, WorkerReport, WorkerTask } from "./worker-process.ts";

/**
 * The body of the program that an adapter's test names as `faults.worker`: subscribes as its first argument says, reports
 * every message on standard output and obeys the orders on standard input, one JSON line each.
 *
 * ```ts
 * await serveWorker((task) => new SqlPubSub({ dialect: sqlite({ path: process.env.FILE ?? "" }), leaseMs: task.shortLease ? 500 : undefined }));
 * ```
 */
export async function serveWorker(create: (task: WorkerTask) => PubSub | Promise<PubSub>): Promise<void> {
  try {
    const task = JSON.parse(process.argv[2] ?? "{}") as WorkerTask;
    const pubsub = await create(task);
    const subscription = await pubsub.subscribe(task.topic, { group: task.group, maxInFlight: task.maxInFlight });
    const held = new Map<string, ReceivedMessage>();
    createInterface({ input: process.stdin }).on("line", (line) => {
      obey(JSON.parse(line) as WorkerOrder, pubsub, subscription, held).catch(fail);
    });
    say({ event: "subscribed" });
    for await (const message of subscription) {
      held.set(message.id, message);
      say({ event: "received", id: message.id, attempt: message.delivery.attempt });
      message.settled.then((as) => say({ event: "settled", id: message.id, as })).catch(fail);
      if (task.verdict === "ack") say({ event: "verdict", id: message.id, verdict: "ack", holds: message.ack() });
    }
  } catch (error) {
    fail(error);
  }
}

async function obey(order: WorkerOrder, pubsub: PubSub, subscription: Subscription, held: Map<string, ReceivedMessage>): Promise<void> {
  switch (order.order) {
    case "ack":
    case "nack": {
      const message = held.get(order.id);
      const holds = message !== undefined && (order.order === "ack" ? message.ack() : message.nack(order.options));
      say({ event: "verdict", id: order.id, verdict: order.order, holds });
      return;
    }
    case "publish": {
      const messages = order.messages.map(({ id, text, dueMs }) => new Message(text, { id, deliverAt: new Date(dueMs) }));
      await pubsub.publish(subscription.topic, messages);
      say({ event: "published" });
      return;
    }
    case "flush":
      await subscription.flush();
      say({ event: "flushed" });
      return;
    case "block":
      say({ event: "blocking" });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, order.ms); // the event loop stands still
      say({ event: "unblocked" });
      return;
    case "freeze":
      say({ event: "freezing" });
      process.kill(process.pid, "SIGSTOP");
      return;
    case "close":
      await subscription[Symbol.asyncDispose]();
      await pubsub.close();
      say({ event: "closed" });
      process.exit(0);
  }
}

function say(report: WorkerReport): void {
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

function fail(error: unknown): void {
  say({ event: "failed", error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  process.exitCode = 1;
}
