import { describe, expect, it } from "vitest";
import type { Log, NewRow } from "./dialect.ts";
import { PublishQueue } from "./publish-queue.ts";

const row = (id: string): NewRow => ({ topic: "t", id, payload: new Uint8Array(1), metadata: undefined, dueMs: undefined });

/** A log that answers later, as one behind a network does. */
class SlowLog implements Pick<Log, "append" | "busy"> {
  readonly busy = false;
  readonly written: string[] = [];
  #answer: (() => void) | undefined;

  get isWriting(): boolean {
    return this.#answer !== undefined;
  }

  append(collect: () => readonly (readonly NewRow[])[]): Promise<number> {
    const rows = collect().flat();
    return new Promise((resolve) => {
      this.#answer = () => {
        this.written.push(...rows.map(({ id }) => id));
        resolve(rows.length);
      };
    });
  }

  answer(): void {
    this.#answer?.();
    this.#answer = undefined;
  }
}

function queueOn(log: SlowLog, timeoutMs = 10_000): PublishQueue {
  return new PublishQueue(log as unknown as Log, { timeoutMs, maxWaiting: 100, maxWaitingBytes: 100 });
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a publish queue on a log that answers later", () => {
  it("says unknown of a call that is aborted while it may be written, and rejected of one that only waits", async () => {
    const log = new SlowLog();
    const queue = queueOn(log);
    const abort = new AbortController();
    const sent = queue.push([row("sent")], { signal: abort.signal });
    sent.catch(() => {});
    await turn();
    await turn();
    expect(log.isWriting).toBe(true);
    const waiting = queue.push([row("waiting")], { signal: abort.signal });
    abort.abort();
    await expect(sent).rejects.toMatchObject({ code: "PUBLISH_ABORTED", outcomes: ["unknown"] });
    await expect(waiting).rejects.toMatchObject({ code: "PUBLISH_ABORTED", outcomes: ["rejected"] });
    let idle = false;
    const ended = queue.idle().then(() => {
      idle = true;
    });
    await turn();
    expect(idle).toBe(false);
    log.answer();
    await ended;
    expect(log.written).toEqual(["sent"]);
  });

  it("says unknown of a call whose time is up while it may be written", async () => {
    const log = new SlowLog();
    await expect(queueOn(log, 20).push([row("sent")], {})).rejects.toMatchObject({ code: "PUBLISH_TIMEOUT", outcomes: ["unknown"] });
    log.answer();
    expect(log.written).toEqual(["sent"]);
  });
});
