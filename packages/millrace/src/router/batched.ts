import { type Deferred, deferred } from "../internal/deferred.ts";
import { handlingEnded } from "../message/doors.ts";
import { type Handler, isPromise, type Middleware, type OrderBy, type Produced, type ReceivedMessage } from "../message/index.ts";
import { BatchCollector } from "./batch-collector.ts";
import { compose } from "./compose.ts";
import type { Failures } from "./failures.ts";
import type { BatchHandlerOptions } from "./handler-options.ts";
import type { Processor } from "./processor.ts";
import type { StillRunning } from "./still-running.ts";

/**
 * Handles messages in batches. Middleware wraps each message: the innermost `next` enrols it in a batch and resolves when that
 * batch is done. Without middleware a batch costs no promise per message.
 */
export class Batched implements Processor {
  readonly slots = 1;
  readonly detached = true;
  readonly demands: Processor["demands"];
  readonly #collector: BatchCollector;
  readonly #failures: Failures;
  readonly #keyOf: (message: ReceivedMessage) => string | undefined;
  readonly #wrapped: Handler | undefined;
  /** Failed messages whose verdict is not given yet, by id. */
  readonly #judgments: Map<string, Deferred<void>> = new Map();

  constructor(options: BatchHandlerOptions, middleware: readonly Middleware[], failures: Failures, stillRunning: StillRunning | undefined) {
    const { name, size, maxWaitMs, handle, concurrency = 1 } = options;
    const inFlight = size * concurrency;
    this.#keyOf = keyOf(options.orderBy);
    this.demands = { maxInFlight: inFlight, orderBy: options.orderBy, "millrace.laneDepth": inFlight };
    this.#failures = failures;
    this.#collector = new BatchCollector({ name, size, maxWaitMs, concurrency, handle });
    const enrol: Handler = (message) => this.#enrol(message);
    this.#wrapped = middleware.length === 0 ? undefined : compose(name, stillRunning?.follow(enrol) ?? enrol, middleware);
  }

  handle(message: ReceivedMessage): true {
    if (this.#wrapped === undefined) {
      this.#collector.enrol({
        message,
        key: this.#keyOf(message),
        succeed: () => this.#succeed(message),
        fail: (error) => this.#fail(message, error),
      });
      return true;
    }
    try {
      const result = this.#wrapped(message);
      if (isPromise(result))
        result.then(
          () => this.#succeed(message),
          (error: unknown) => void this.#fail(message, error),
        );
      else this.#succeed(message);
    } catch (error) {
      void this.#fail(message, error);
    }
    return true;
  }

  end(): void {
    this.#collector.end();
  }

  #enrol(message: ReceivedMessage): Promise<Produced> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): Promise<void> => {
        const judgment = this.#judgments.get(message.id) ?? deferred();
        this.#judgments.set(message.id, judgment);
        reject(error);
        return judgment.promise;
      };
      this.#collector.enrol({ message, key: this.#keyOf(message), succeed: () => resolve(undefined), fail });
    });
  }

  #succeed(message: ReceivedMessage): void {
    message.ack();
    this.#failures.onSuccess(message);
    this.#end(message);
  }

  #fail(message: ReceivedMessage, error: unknown): Promise<void> | undefined {
    const burying = this.#failures.onFailure(message, error);
    if (burying !== undefined) return burying.then(() => this.#end(message));
    this.#end(message);
    return undefined;
  }

  #end(message: ReceivedMessage): void {
    handlingEnded(message);
    if (this.#judgments.size === 0) return;
    this.#judgments.get(message.id)?.resolve();
    this.#judgments.delete(message.id);
  }
}

function keyOf(orderBy: OrderBy | undefined): (message: ReceivedMessage) => string | undefined {
  if (orderBy === "none") return () => undefined;
  return orderBy ?? ((message) => message.delivery.orderingKey ?? message.key);
}
