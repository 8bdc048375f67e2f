import { describe, expect, it } from "vitest";
import { deferred } from "../internal/deferred.ts";
import { timeout } from "../middleware/index.ts";
import { HandSubscriber, Rig, until } from "./rig.fixture.ts";

const turn = (ms = 5): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Timers begun while it lives that have not ended and keep the process alive. */
class Timers implements Disposable {
  readonly #real = globalThis.setTimeout;
  readonly #begun: NodeJS.Timeout[] = [];

  constructor() {
    const begin = (run: () => void, delayMs?: number): NodeJS.Timeout => {
      const handle = this.#real(run, delayMs);
      this.#begun.push(handle);
      return handle;
    };
    globalThis.setTimeout = Object.assign(begin, this.#real) as typeof setTimeout;
  }

  /** How many milliseconds each of them was to last. */
  get left(): number[] {
    type Known = NodeJS.Timeout & { readonly _destroyed: boolean; readonly _idleTimeout: number };
    return (this.#begun as Known[]).filter((handle) => !handle._destroyed && handle.hasRef()).map((handle) => handle._idleTimeout);
  }

  [Symbol.dispose](): void {
    globalThis.setTimeout = this.#real;
  }
}

describe("a closed router leaves nothing that keeps the process alive", () => {
  it("where a handler never ended after its timeout", async () => {
    await using rig = new Rig();
    using timers = new Timers();
    let calls = 0;
    const handle = async (): Promise<void> => {
      calls++;
      await deferred<void>().promise;
    };
    rig.router.addConsumerHandler({ name: "a", subscribe: "t", middleware: [timeout(10)], handle });
    await rig.router.start();
    await rig.send("t", "1");
    await until(() => calls === 1, "the call");
    await turn(20);
    await rig.router.close({ timeoutMs: 5 });
    expect(timers.left).toEqual([]);
  });

  it("where the only message of a batch was lost before it began", async () => {
    const subscriber = new HandSubscriber();
    await using rig = new Rig({ subscriber });
    using timers = new Timers();
    rig.router.addBatchHandler({ name: "a", subscribe: "t", size: 9, maxWaitMs: 60_000, handle: () => {} });
    await rig.router.start();
    subscriber.source.session.deliver("1");
    await until(() => rig.router.health().handlers.a?.inFlight === 1, "the message");
    await turn();
    subscriber.source.session.intake.lose();
    await rig.router.close();
    expect(timers.left).toEqual([]);
  });

  it("where a failed message waited for its next attempt", async () => {
    await using rig = new Rig({ failure: { minDelayMs: 60_000, maxDelayMs: 60_000 } });
    using timers = new Timers();
    const handle = (): void => {
      throw new Error("no");
    };
    for (const [name, concurrency] of [
      ["a", 1],
      ["b", 3],
    ] as const)
      rig.router.addConsumerHandler({ name, subscribe: "t", concurrency, handle });
    await rig.router.start();
    await rig.send("t", "1", ["k", "2"]);
    await until(() => rig.router.health().handlers.b?.counts.retried === 2, "the failures");
    await rig.router.close();
    expect(timers.left).toEqual([]);
  });
});
