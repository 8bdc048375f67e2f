import type { MessageDoors } from "../message/doors.ts";
import { type Handler, isPromise, type Produced, type ReceivedMessage } from "../message/index.ts";
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

  handle(message: ReceivedMessage): Promise<void> | undefined {
    let result: ReturnType<Handler>;
    try {
      result = this.#handler(message);
    } catch (error) {
      return this.#fail(message, error);
    }
    if (result === undefined) return this.#succeed(message);
    if (isPromise(result)) {
      return result.then(
        (produced) => (produced === undefined ? this.#succeed(message) : this.#publish(message, produced)),
        (error: unknown) => this.#fail(message, error),
      );
    }
    return this.#publish(message, result);
  }

  end(): void {}

  #publish(message: ReceivedMessage, produced: Produced): Promise<void> | undefined {
    if (this.#failures.dropsOutput(message)) return this.#succeed(message);
    if (Array.isArray(produced) && produced.length === 0) return this.#succeed(message);
    if (this.#outlet === undefined) return this.#fail(message, outputWithoutPublisher(this.#name));
    return this.#outlet.publish(produced, message).then(
      () => this.#succeed(message),
      (error: unknown) => this.#fail(message, error),
    );
  }

  #succeed(message: ReceivedMessage): undefined {
    message.ack();
    this.#failures.onSuccess(message);
    (message as MessageDoors)["millrace.ended"]?.();
  }

  #fail(message: ReceivedMessage, error: unknown): Promise<void> | undefined {
    const burying = this.#failures.onFailure(message, error);
    if (burying !== undefined) return burying.then(() => (message as MessageDoors)["millrace.ended"]?.());
    (message as MessageDoors)["millrace.ended"]?.();
    return undefined;
  }
}
