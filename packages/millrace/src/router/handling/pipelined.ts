import type { Handler, Produced, ReceivedMessage } from "../../message/index.ts";
import { Call } from "../calls/call.ts";
import type { Desk } from "../calls/desk.ts";
import { untilTurn } from "../calls/in-line.ts";
import type { Lines } from "../calls/lines.ts";
import type { Slots } from "../calls/slots.ts";
import type { ProducingHandlerOptions } from "../handler-options.ts";
import type { Judge } from "../judge.ts";
import type { HandlingMode } from "./handling-mode.ts";
import type { Outlet } from "./outlet.ts";
import { enterHandler, leaveHandler } from "./running-call.ts";

/**
 * Handles ahead while earlier results wait for their confirmation. Within a lane handlers still run one after the other, and
 * results are published in that order. When one fails, every later one of its lane that is not acked goes back uncounted and
 * is handled again: readers of the output may see 4–8, then 3–8, never a loss.
 */
export class Pipelined implements HandlingMode {
  readonly demands: HandlingMode["demands"];
  readonly #handler: Handler;
  readonly #judge: Judge;
  readonly #outlet: Outlet;
  readonly #slots: Slots;
  readonly #lines: Lines;

  constructor(
    options: ProducingHandlerOptions,
    handler: Handler,
    judge: Judge,
    outlet: Outlet,
    { slots, lines }: Desk,
    laneOf: (message: ReceivedMessage) => string | undefined,
  ) {
    const { concurrency = 1, pipeline = 0, orderBy } = options;
    this.demands = {
      maxInFlight: concurrency + pipeline,
      orderBy: orderBy === "none" && concurrency > 1 ? "none" : laneOf,
      perKey: 1 + pipeline,
    };
    this.#handler = handler;
    this.#judge = judge;
    this.#outlet = outlet;
    this.#slots = slots;
    this.#lines = lines;
  }

  handle(call: Call): void {
    void this.#pass(call);
  }

  end(): void {}

  async #pass(call: Call): Promise<void> {
    try {
      await untilTurn(call);
      const produced = await this.#run(call);
      if (call.inner !== undefined) await call.untilInnerEnded(); // a middleware gave up on it: the next of the lane begins behind it
      // Sent before the next handler of the lane begins to send: `publish` takes its place in order when it is called.
      const confirmed = nothing(produced) || call.overtaken || this.#judge.dropsOutput(call) ? undefined : this.#outlet.publish(produced, call.message);
      call.markHandled();
      if (confirmed !== undefined) await confirmed;
    } catch (error) {
      if (call.before !== undefined) this.#lines.stop(call); // its lane stops now, and not when those before it are confirmed
      await this.#judge.fail(call, error);
      return;
    }
    // A later confirmation may come first: acked before an earlier one fails, it would stay before it in the output for ever.
    await this.#judge.succeed(call);
  }

  async #run(call: Call): Promise<Produced> {
    while (!this.#slots.free && !call.overtaken && !call.over) {
      await new Promise<void>((resolve) => {
        this.#slots.whenFree(resolve);
        call.whenAhead({ onAhead: resolve });
      });
    }
    if (call.overtaken || call.over) throw Call.handedBack();
    this.#slots.take();
    call.holdsSlot = true;
    call.begun = true;
    try {
      let result: ReturnType<Handler>;
      enterHandler();
      try {
        result = this.#handler(call.message);
      } finally {
        leaveHandler();
      }
      return await result;
    } finally {
      // A handler that a middleware has given up on keeps its slot until it has ended.
      call.conclude();
      if (call.inner === undefined) call.giveSlot();
      else void call.untilInnerEnded().then(() => call.giveSlot());
    }
  }
}

function nothing(produced: Produced): boolean {
  return produced === undefined || (Array.isArray(produced) && produced.length === 0);
}
