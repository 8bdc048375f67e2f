/**
 * One program on any broker: `reminders.ts <send|receive|both> <url> <url of the store of delays, or -> <topic> <delay in ms>…`
 * Sends a message for each delay, and says of each that it receives how late it is; one JSON line each. Runs until it is ended.
 */
import { type AdapterModule, connect, Message, Router, silentLogger } from "millrace";

const [role = "", url = "", delays = "-", topic = "", ...delaysMs] = process.argv.slice(2);
const ADAPTERS: Readonly<Record<string, () => Promise<AdapterModule>>> = {
  sqlite: () => import("@millrace/sql"),
  kafka: () => import("@millrace/kafka"),
  amqp: () => import("@millrace/rabbitmq"),
};

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const bus = await connect(url, ADAPTERS, { logger: silentLogger, delays: delays === "-" ? undefined : delays });
const router = new Router({ service: "reminders", subscriber: bus, owns: [bus], logger: silentLogger });
if (role !== "send") {
  router.addConsumerHandler({
    name: "remind",
    subscribe: topic,
    handle: (message) => say({ text: message.text(), lateMs: Date.now() - (message.dueAt as Date).getTime() }),
  });
  await router.start();
  say({ ready: true });
}
if (role !== "receive") {
  await bus.provision?.(topic, { group: "reminders.remind" });
  await bus.publish(
    topic,
    delaysMs.map((delayMs) => new Message(delayMs, { key: delayMs, delayMs: Number(delayMs) })),
  );
  say({ published: true });
}
process.on("SIGTERM", () => void router.close().then(() => bus.close()));
setInterval(() => {}, 60_000);
