import { type Deferred, deferred } from "../internal/deferred.ts";
import { Ring } from "../internal/ring.ts";
import { handlingEnded, type MessageDoors } from "../message/doors.ts";
import { handedBack } from "../message/handed-back.ts";
import type { Handler, OrderBy, Produced, ReceivedMessage, Verdict } from "../message/index.ts";
import type { End } from "./dispatcher.ts";
import type { Failures } from "./failures.ts";
import type { ProducingHandlerOptions } from "./handler-options.ts";
import type { Outlet } from "./outlet.ts";
import type { Processor } from "./processor.ts";

/** One message of a lane on its way: handler, publish, confirmation, verdict. */
interface Passage {
  readonly message: ReceivedMessage & MessageDoors;
  /** The handler has ended and its result is on its way: the next of the lane may begin. */
  readonly handled: Deferred<void>;
  /** It has its verdict: the next of the lane may have one. */
  readonly judged: Deferred<void>;
  verdict: Verdict | undefined;
}

/**
 * Handles ahead while earlier results wait for their confirmation. Within a lane handlers still run one after the other, and
 * results are published in that order. When one fails, every later one of its lane that is not acked goes back uncounted and
 * is handled again: readers of the output may see 4–8, then 3–8, never a loss.
 */
export class Pipelined implements Processor {
  readonly slots: number;
  readonly demands: Processor["demands"];
  readonly #handler: Handler;
  readonly #failures: Failures;
  readonly #outlet: Outlet;
  readonly #laneOf: (message: ReceivedMessage) => string | undefined;
  /** The newest of each lane that is on its way. */
  readonly #last: Map<string, Passage> = new Map();
  readonly #waiting: Ring<() => void> = new Ring();
  #free: number;

  constructor(options: ProducingHandlerOptions, handler: Handler, failures: Failures, outlet: Outlet) {
    const concurrency = options.concurrency ?? 1;
    const pipeline = options.pipeline ?? 0;
    this.#laneOf = laneOf(options.orderBy, concurrency);
    this.slots = concurrency + pipeline;
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

  handle(message: ReceivedMessage & MessageDoors, end: End): boolean {
    this.#pass(message).then(() => end(), end);
    return false;
  }

  end(): void {}

  async #pass(message: ReceivedMessage & MessageDoors): Promise<void> {
    const key = this.#laneOf(message);
    const passage: Passage = { message, handled: deferred(), judged: deferred(), verdict: undefined };
    const before = key === undefined ? undefined : this.#last.get(key);
    if (key !== undefined) this.#last.set(key, passage);
    // What came after a verdict is not behind that message any more: perhaps it is the same one, handed out again.
    const follows = before !== undefined && verdictOf(before) === undefined;
    const overtaken = (): boolean => message["millrace.overtaken"] === true || (follows && verdictOf(before) !== undefined && verdictOf(before) !== "acked");
    await before?.handled.promise;
    try {
      const produced = await this.#run(message, overtaken);
      // Sent before the next handler of the lane begins to send: `publish` takes its place in order when it is called.
      const confirmed = produced === undefined || overtaken() || this.#failures.dropsOutput(message) ? undefined : this.#outlet.publish(produced, message);
      passage.handled.resolve();
      await confirmed;
      // A later confirmation may come first: acked before an earlier one fails, it would stay before it in the output for ever.
      await before?.judged.promise;
      if (overtaken()) throw handedBack("an earlier message of its lane failed");
      passage.verdict = message.ack() ? "acked" : message.verdict;
      this.#failures.onSuccess(message);
    } catch (error) {
      await this.#failures.onFailure(message, error);
      passage.verdict = message.verdict ?? "nacked";
      passage.handled.resolve();
    }
    passage.judged.resolve();
    handlingEnded(message);
    if (key !== undefined && this.#last.get(key) === passage) this.#last.delete(key);
  }

  async #run(message: ReceivedMessage, overtaken: () => boolean): Promise<Produced> {
    if (overtaken()) return undefined;
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return overtaken() ? undefined : await this.#handler(message);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}

function verdictOf({ message, verdict }: Passage): Verdict | undefined {
  return verdict ?? message.verdict;
}

/** One handler at a time means one lane: the order of the whole subscription holds, as it does without a pipeline. */
function laneOf(orderBy: OrderBy | undefined, concurrency: number): (message: ReceivedMessage) => string | undefined {
  if (concurrency === 1) return () => "";
  if (orderBy === "none") return () => undefined;
  return orderBy ?? ((message) => message.delivery.orderingKey ?? message.key);
}
