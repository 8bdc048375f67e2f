import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { starvedMs } from "millrace/conformance";
import { describe, expect, it, type TestContext } from "vitest";
import { sharedBroker } from "../brokers/index.ts";
import { until } from "../until.ts";
import { RemindersProcess } from "./reminders-process.ts";

/** `npm run delays` adds longer ones. */
const DELAYS_MS: readonly number[] = (process.env.MILLRACE_DELAYS_MS ?? "2000").split(",").map(Number);
const LONGEST_MS = Math.max(...DELAYS_MS);
const TIMEOUT_MS = LONGEST_MS + 120_000;
/** For a new process to be there, and the broker to have missed the old one. */
const NEW_PROCESS_MS = 30_000;

interface Place {
  readonly name: string;
  /** Survives its processes. */
  readonly durable: boolean;
  readonly open: (context: TestContext) => { readonly url: string; readonly delays?: string };
}

function folder(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "millrace-delays-"));
  context.onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function brokerUrl(context: TestContext, name: "kafka" | "rabbitmq"): string {
  const broker = sharedBroker(name);
  return "notRun" in broker ? context.skip(broker.notRun) : broker.url;
}

const PLACES: readonly Place[] = [
  { name: "memory", durable: false, open: () => ({ url: "memory:" }) },
  { name: "SQLite", durable: true, open: (context) => ({ url: `sqlite:${join(folder(context), "log.db")}` }) },
  { name: "RabbitMQ", durable: true, open: (context) => ({ url: brokerUrl(context, "rabbitmq") }) },
  {
    name: "Kafka with a store of delays",
    durable: true,
    open: (context) => ({ url: brokerUrl(context, "kafka"), delays: `sqlite:${join(folder(context), "delays.db")}?retention=consumed` }),
  },
];

/** Waits for all reminders of the delays: never early, and at most the larger of 1 s and 1 % late. */
async function onTime(process: RemindersProcess, delaysMs: readonly number[], where: string): Promise<void> {
  const starved = starvedMs();
  await until(
    () => delaysMs.every((delayMs) => process.reminders.some(({ text }) => text === String(delayMs))),
    "all reminders have come",
    LONGEST_MS + 60_000,
  );
  for (const delayMs of delaysMs) {
    const late = process.reminders.find(({ text }) => text === String(delayMs))?.lateMs ?? Number.NaN;
    console.log(`${where}: a message of ${delayMs / 1_000} s came ${late} ms after it was due`);
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThanOrEqual(Math.max(1_000, delayMs / 100) + 2 * (starvedMs() - starved));
  }
}

const topicOf = (name: string): string => `reminders-${name}-${process.pid}-${Date.now().toString(36)}`;

// Side by side where they wait for long.
const together = LONGEST_MS > NEW_PROCESS_MS ? describe.concurrent : describe;

together.each(PLACES)("the same program on $name", ({ name, durable, open }) => {
  it("delivers delayed messages when they are due", { timeout: TIMEOUT_MS }, async (context) => {
    const { url, delays } = open(context);
    const program = new RemindersProcess(context, "both", url, delays, topicOf("both"), DELAYS_MS);
    await program.says("published");
    await onTime(program, DELAYS_MS, name);
  });

  if (!durable) return;

  it("delivers them when they are due although the process that sent them was killed", { timeout: TIMEOUT_MS }, async (context) => {
    const { url, delays } = open(context);
    const topic = topicOf("killed");
    const receiver = new RemindersProcess(context, "receive", url, delays, topic);
    await receiver.says("ready");
    const sender = new RemindersProcess(context, "send", url, delays, topic, DELAYS_MS);
    await sender.says("published");
    await sender.kill();
    await onTime(receiver, DELAYS_MS, `${name}, sender killed`);
  });

  it("delivers them although every process was killed, those that are due later in time", { timeout: TIMEOUT_MS + NEW_PROCESS_MS }, async (context) => {
    const { url, delays } = open(context);
    const topic = topicOf("all-killed");
    const first = new RemindersProcess(context, "both", url, delays, topic, DELAYS_MS);
    await first.says("published");
    await first.kill();
    const second = new RemindersProcess(context, "receive", url, delays, topic);
    await until(() => second.reminders.length === DELAYS_MS.length, "all reminders have come", LONGEST_MS + 90_000);
    for (const { text, lateMs } of second.reminders) expect(lateMs, `a message of ${text} ms`).toBeGreaterThanOrEqual(0);
    await onTime(
      second,
      DELAYS_MS.filter((delayMs) => delayMs > NEW_PROCESS_MS),
      `${name}, every process killed`,
    );
  });
});
