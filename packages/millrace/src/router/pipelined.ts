import { type Deferred, deferred } from "../internal/deferred.ts";
import { Ring } from "../internal/ring.ts";
import type { MessageDoors } from "../message/doors.ts";
import { handedBack } from "../message/handed-back.ts";
import type { Handler, OrderBy, Produced, ReceivedMessage } from "../message/index.ts";
import type { Failures } from "./failures.ts";
import type { ProducingHandlerOptions } from "./handler-options.ts";
import type { Outlet } from "./outlet.ts";
import type { Processor } from "./processor.ts";

/** One message of a lane on its way: handler, publish, confirmation. */
interface Passage {
  readonly message: ReceivedMessage;
  /** The handler has ended: the next of the lane may begin. */
  readonly handled: Deferred<void>;
  /** It has its verdict: the next of the lane may have one. */
  readonly judged: Deferred<void>;
  /** An earlier one of the lane failed: this one goes back, whatever becomes of it. */
  overtaken: boolean;
}

/**
 * Handles ahead while earlier results wait for their confirmation. Within a lane handlers still run one after the other, and
 * results are published in that order. When one fails, every later one of its lane that is not acked goes back uncounted and
 * is handled again: readers of the output may see 4–8, then 3–8, never a loss.
 */
export class Pipelined implements Processor {
  readonly readers: number;
  readonly demands: Processor["demands"];
  readonly #handler: Handler;
  readonly #failures: Failures;
  readonly #outlet: Outlet;
  readonly #laneOf: (message: ReceivedMessage) => string | undefined;
  readonly #lanes: Map<string, Passage[]> = new Map();
  readonly #waiting: Ring<() => void> = new Ring();
  #free: number;

  constructor(options: ProducingHandlerOptions, handler: Handler, failures: Failures, outlet: Outlet) {
    const concurrency = options.concurrency ?? 1;
    const pipeline = options.pipeline ?? 0;
    this.#laneOf = laneOf(options.orderBy, concurrency);
    this.readers = concurrency + pipeline;
    this.demands = {
      maxInFlight: concurrency + pipeline,
      orderBy: options.orderBy === "none" && concurrency > 1 ? "none" : this.#laneOf,
      "millrace.laneDepth": 1 + pipeline,
    };
    this.#handler = handler;
    this.#failures = failures;
    this.#outlet = outlet;
    this.#free = concurrency;
  }

  async handle(message: ReceivedMessage): Promise<void> {
    const key = this.#laneOf(message);
    const passage: Passage = { message, handled: deferred(), judged: deferred(), overtaken: false };
    const lane = key === undefined ? [] : (this.#lanes.get(key) ?? []);
    const before = lane.at(-1);
    lane.push(passage);
    if (key !== undefined) this.#lanes.set(key, lane);
    await before?.handled.promise;
    try {
      const produced = await this.#run(passage);
      // Sent before the next handler of the lane begins to send: `publish` takes its place in order when it is called.
      const dropped = produced === undefined || passage.overtaken || this.#failures.dropsOutput(message);
      const confirmed = dropped ? undefined : this.#outlet.publish(produced, message);
      if ((message as MessageDoors).verdict === "nacked") overtake(lane, passage);
      passage.handled.resolve();
      await confirmed;
      // A later confirmation may come first: acked before an earlier one fails, it would stay before it in the output for ever.
      await before?.judged.promise;
      if (passage.overtaken) throw handedBack("an earlier message of its lane failed");
      message.ack();
      this.#failures.onSuccess(message);
    } catch (error) {
      overtake(lane, passage);
      await this.#failures.onFailure(message, error);
      // Those that came while a dead letter was on its way, and in vain.
      if ((message as MessageDoors).verdict !== "acked") overtake(lane, passage);
      passage.handled.resolve();
    }
    passage.judged.resolve();
    (message as MessageDoors)["millrace.ended"]?.();
    lane.splice(lane.indexOf(passage), 1);
    if (key !== undefined && lane.length === 0) this.#lanes.delete(key);
  }

  end(): void {}

  async #run(passage: Passage): Promise<Produced> {
    if (passage.overtaken) return undefined;
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return passage.overtaken ? undefined : await this.#handler(passage.message);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}

/** The later ones of the lane are handled again after this one. */
function overtake(lane: readonly Passage[], failed: Passage): void {
  for (let index = lane.indexOf(failed) + 1; index < lane.length; index++) (lane[index] as Passage).overtaken = true;
}

/** One handler at a time means one lane: the order of the whole subscription holds, as it does without a pipeline. */
function laneOf(orderBy: OrderBy | undefined, concurrency: number): (message: ReceivedMessage) => string | undefined {
  if (concurrency === 1) return () => "";
  if (orderBy === "none") return () => undefined;
  return orderBy ?? ((message) => message.delivery.orderingKey ?? message.key);
}
