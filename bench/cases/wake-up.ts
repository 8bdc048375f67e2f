import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { SqlPubSub, sqlite } from "@millrace/sql";
import { Router } from "millrace";
import type { Case } from "../harness/case.ts";
import { quantile } from "../harness/quantile.ts";
import { DatabaseFile } from "./database-file.ts";
import type { Committed } from "./wake-up-publisher.ts";

export interface WakeUpSettings {
  readonly count: number;
  /** Time between two messages: at random up to twice this. */
  readonly everyMs: number;
}

/** From a commit in another process to the handler in this one. Both read the machine's monotonic clock. */
export const run: Case<WakeUpSettings> = async ({ count, everyMs }) => {
  const file = new DatabaseFile();
  const bus = new SqlPubSub({ dialect: sqlite({ path: file.path }) });
  const router = new Router({ subscriber: bus, owns: [bus] });
  const handledAt = new Map<string, bigint>();
  router.addConsumerHandler({
    name: "time",
    subscribe: "topic",
    handle: (message) => {
      handledAt.set(message.text(), process.hrtime.bigint());
    },
  });
  try {
    await router.start();
    const committed = await publishElsewhere(file.path, count, everyMs);
    while (handledAt.size < count) await new Promise((resolve) => setTimeout(resolve, 5));
    const fromCommit: number[] = [];
    const fromCall: number[] = [];
    for (const { text, calledAt, committedAt } of committed) {
      const at = handledAt.get(text) as bigint;
      fromCommit.push(Math.max(0, Number(at - BigInt(committedAt)) / 1e6)); // the handler may come before the publisher has heard of its commit
      fromCall.push(Number(at - BigInt(calledAt)) / 1e6);
    }
    await router.close();
    return {
      p50Ms: quantile(fromCommit, 0.5),
      p99Ms: quantile(fromCommit, 0.99),
      maxMs: quantile(fromCommit, 1),
      callP50Ms: quantile(fromCall, 0.5),
      callP99Ms: quantile(fromCall, 0.99),
    };
  } finally {
    file.remove();
  }
};

function publishElsewhere(path: string, count: number, everyMs: number): Promise<readonly Committed[]> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL("wake-up-publisher.ts", import.meta.url)), [path, String(count), String(everyMs)]);
    child.on("message", (committed) => resolve(committed as readonly Committed[]));
    child.on("error", reject);
    child.on("exit", (code) => {
      if (code !== 0) reject(new Error(`the publisher ended with code ${code}`));
    });
  });
}
