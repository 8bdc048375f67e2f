import type { MessageDoors } from "../message/doors.ts";
import { type Handler, isPromise, type Middleware, type OrderBy, type Produced, type ReceivedMessage } from "../message/index.ts";
import { BatchCollector } from "./batch-collector.ts";
import { compose } from "./compose.ts";
import type { Failures } from "./failures.ts";
import type { BatchHandlerOptions } from "./handler-options.ts";
import type { Processor } from "./processor.ts";

/**
 * Handles messages in batches. Middleware wraps each message: the innermost `next` enrols it in a batch and resolves when that
 * batch is done. Without middleware a batch costs no promise per message.
 */
export class Batched implements Processor {
  readonly readers = 1;
  readonly detached = true;
  readonly demands: Processor["demands"];
  readonly #collector: BatchCollector;
  readonly #failures: Failures;
  readonly #keyOf: (message: ReceivedMessage) => string | undefined;
  readonly #wrapped: Handler | undefined;

  constructor(options: BatchHandlerOptions, middleware: readonly Middleware[], failures: Failures) {
    const { name, size, maxWaitMs, handle, concurrency = 1 } = options;
    const inFlight = size * concurrency;
    this.#keyOf = keyOf(options.orderBy);
    this.demands = { maxInFlight: inFlight, orderBy: options.orderBy, "millrace.laneDepth": inFlight };
    this.#failures = failures;
    this.#collector = new BatchCollector({ name, size, maxWaitMs, concurrency, handle });
    this.#wrapped = middleware.length === 0 ? undefined : compose(name, (message) => this.#enrol(message), middleware);
  }

  handle(message: ReceivedMessage): undefined {
    if (this.#wrapped === undefined) {
      this.#collector.enrol({
        message,
        key: this.#keyOf(message),
        succeed: () => this.#succeed(message),
        fail: (error) => this.#fail(message, error),
      });
      return undefined;
    }
    try {
      const result = this.#wrapped(message);
      if (isPromise(result))
        result.then(
          () => this.#succeed(message),
          (error: unknown) => this.#fail(message, error),
        );
      else this.#succeed(message);
    } catch (error) {
      this.#fail(message, error);
    }
    return undefined;
  }

  end(): void {
    this.#collector.end();
  }

  #enrol(message: ReceivedMessage): Promise<Produced> {
    return new Promise((resolve, reject) => this.#collector.enrol({ message, key: this.#keyOf(message), succeed: () => resolve(undefined), fail: reject }));
  }

  #succeed(message: ReceivedMessage): void {
    message.ack();
    this.#failures.onSuccess(message);
    (message as MessageDoors)["millrace.ended"]?.();
  }

  #fail(message: ReceivedMessage, error: unknown): void {
    const end = (): void => (message as MessageDoors)["millrace.ended"]?.();
    const burying = this.#failures.onFailure(message, error);
    if (burying === undefined) end();
    else void burying.then(end);
  }
}

function keyOf(orderBy: OrderBy | undefined): (message: ReceivedMessage) => string | undefined {
  if (orderBy === "none") return () => undefined;
  return orderBy ?? ((message) => message.delivery.orderingKey ?? message.key);
}
