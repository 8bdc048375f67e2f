import { callOf } from "../../message/in-hand.ts";
import { type Handler, isPromise, type Middleware, type ReceivedMessage } from "../../message/index.ts";
import type { Call } from "../calls/call.ts";
import type { Desk } from "../calls/desk.ts";
import type { BatchHandlerOptions } from "../handler-options.ts";
import type { Judge } from "../judge.ts";
import { BatchCollector } from "./batch-collector.ts";
import { compose } from "./compose.ts";
import { follow } from "./follow.ts";
import type { HandlingMode } from "./handling-mode.ts";

/**
 * Handles messages in batches. Middleware wraps each message: the innermost `next` enrols it in a batch and resolves when that
 * batch is done. Without middleware a batch costs no promise per message.
 */
export class Batched implements HandlingMode {
  readonly demands: HandlingMode["demands"];
  readonly #collector: BatchCollector;
  readonly #judge: Judge;
  readonly #wrapped: Handler | undefined;

  constructor(options: BatchHandlerOptions, middleware: readonly Middleware[], judge: Judge, { slots, failing }: Desk) {
    const { name, size, maxWaitMs, handle, concurrency = 1 } = options;
    const inFlight = size * concurrency;
    this.demands = { maxInFlight: inFlight, orderBy: options.orderBy, perKey: inFlight };
    this.#judge = judge;
    this.#collector = new BatchCollector({ name, size, maxWaitMs, slots, failing, handle, judge });
    this.#wrapped =
      middleware.length === 0
        ? undefined
        : compose(
            name,
            follow((message) => this.#enrol(message)),
            middleware,
          );
  }

  handle(call: Call): void {
    if (call.overtaken) {
      call.goBack(); // before its middleware could ack it
      return;
    }
    call.begun = true;
    if (this.#wrapped === undefined) {
      this.#collector.enrol(call, call.message, undefined);
      return;
    }
    try {
      const result = this.#wrapped(call.message);
      if (isPromise(result))
        result.then(
          () => {
            void this.#judge.succeed(call);
          },
          (error: unknown) => {
            void this.#judge.fail(call, error);
          },
        );
      else void this.#judge.succeed(call);
    } catch (error) {
      void this.#judge.fail(call, error);
    }
  }

  end(): void {
    this.#collector.end();
  }

  #enrol(message: ReceivedMessage): Promise<undefined> {
    return new Promise((resolve, reject) => {
      this.#collector.enrol(callOf(message) as Call, message, { resolve, reject });
    });
  }
}
