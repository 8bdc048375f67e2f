import { SqlPubSub, sqlite } from "@millrace/sql";
import { MemoryPubSub, Router } from "millrace";
import type { Case } from "../harness/case.ts";
import { DatabaseFile } from "./database-file.ts";

export interface IdleSettings {
  readonly adapter: "memory" | "sqlite";
  readonly handlers: number;
  readonly durationMs: number;
}

const SETTLE_MS = 1000;

/** What a process costs that has subscribed and has nothing to do. */
export const run: Case<IdleSettings> = async ({ adapter, handlers, durationMs }) => {
  const file = new DatabaseFile();
  const bus = adapter === "memory" ? new MemoryPubSub() : new SqlPubSub({ dialect: sqlite({ path: file.path }) });
  const router = new Router({ subscriber: bus, owns: [bus] });
  for (let each = 0; each < handlers; each++) router.addConsumerHandler({ name: `wait-${each}`, subscribe: `topic-${each}`, handle: () => {} });
  try {
    await router.start();
    await sleep(SETTLE_MS);
    const before = process.cpuUsage();
    await sleep(durationMs);
    const { user, system } = process.cpuUsage(before);
    await router.close();
    return { busy: (user + system) / 1000 / durationMs };
  } finally {
    file.remove();
  }
};

function sleep(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
