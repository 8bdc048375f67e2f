import { handlingEnded } from "../message/doors.ts";
import { type Handler, isPromise, type Produced, type ReceivedMessage } from "../message/index.ts";
import type { End } from "./dispatcher.ts";
import type { Failures } from "./failures.ts";
import type { HandlerOptions } from "./handler-options.ts";
import { type Outlet, outputWithoutPublisher } from "./outlet.ts";
import type { Processor } from "./processor.ts";

/** Calls the handler, publishes what it gives back, then acks: each message for itself, `concurrency` at a time. */
export class OneByOne implements Processor {
  readonly slots: number;
  readonly demands: Processor["demands"];
  readonly #name: string;
  readonly #handler: Handler;
  readonly #failures: Failures;
  readonly #outlet: Outlet | undefined;

  constructor(options: HandlerOptions, handler: Handler, failures: Failures, outlet: Outlet | undefined) {
    const concurrency = options.concurrency ?? 1;
    this.slots = concurrency;
    this.demands = { maxInFlight: concurrency, orderBy: options.orderBy };
    this.#name = options.name;
    this.#handler = handler;
    this.#failures = failures;
    this.#outlet = outlet;
  }

  handle(message: ReceivedMessage, end: End): boolean {
    let result: ReturnType<Handler>;
    try {
      result = this.#handler(message);
    } catch (error) {
      return this.#fail(message, error, end);
    }
    if (result === undefined) return this.#succeed(message);
    if (!isPromise(result)) return this.#publish(message, result, end);
    return this.#when(result, message, end, (produced) => (produced === undefined ? this.#succeed(message) : this.#publish(message, produced, end)));
  }

  end(): void {}

  #publish(message: ReceivedMessage, produced: Produced, end: End): boolean {
    if (this.#failures.dropsOutput(message)) return this.#succeed(message);
    if (Array.isArray(produced) && produced.length === 0) return this.#succeed(message);
    if (this.#outlet === undefined) return this.#fail(message, outputWithoutPublisher(this.#name), end);
    return this.#when(this.#outlet.publish(produced, message), message, end, () => this.#succeed(message));
  }

  #when<T>(pending: Promise<T>, message: ReceivedMessage, end: End, next: (value: T) => boolean): false {
    pending.then(
      (value) => {
        try {
          if (next(value)) end();
        } catch (failure) {
          end(failure);
        }
      },
      (error: unknown) => {
        try {
          if (this.#fail(message, error, end)) end();
        } catch (failure) {
          end(failure);
        }
      },
    );
    return false;
  }

  #succeed(message: ReceivedMessage): true {
    message.ack();
    this.#failures.onSuccess(message);
    handlingEnded(message);
    return true;
  }

  #fail(message: ReceivedMessage, error: unknown, end: End): boolean {
    const burying = this.#failures.onFailure(message, error);
    if (burying === undefined) {
      handlingEnded(message);
      return true;
    }
    burying.then(() => {
      handlingEnded(message);
      end();
    }, end);
    return false;
  }
}
