import { asPromise, onlyMessages } from "../../message/after.ts";
import type { BriefMessage } from "../../message/in-hand.ts";
import { type Handler, isPromise, type Produced, type ReceivedMessage } from "../../message/index.ts";
import type { Call } from "../calls/call.ts";
import type { Origin } from "../calls/company.ts";
import type { Desk } from "../calls/desk.ts";
import type { HandlerOptions } from "../handler-options.ts";
import type { Judge } from "../judge.ts";
import type { HandlingMode } from "./handling-mode.ts";
import { type Outlet, outputWithoutPublisher } from "./outlet.ts";
import { enterHandler, leaveHandler } from "./running-call.ts";

export interface OneByOneParts {
  readonly handler: Handler;
  /** What it gives back besides messages is dropped; those somebody expected to be published. */
  readonly consumer: boolean;
  readonly judge: Judge;
  readonly outlet: Outlet | undefined;
  readonly desk: Desk;
}

/** Calls the handler, publishes what it gives back, then acks: each message for itself, `concurrency` at a time. */
export class OneByOne implements HandlingMode {
  readonly demands: HandlingMode["demands"];
  /** Until the handler has returned a promise once: then it is one whose calls last. */
  handleBriefly: HandlingMode["handleBriefly"];
  readonly #name: string;
  readonly #handler: Handler;
  readonly #consumer: boolean;
  readonly #judge: Judge;
  readonly #outlet: Outlet | undefined;

  constructor(options: HandlerOptions, { handler, consumer, judge, outlet, desk }: OneByOneParts) {
    this.demands = { maxInFlight: options.concurrency ?? 1, orderBy: options.orderBy };
    this.#name = options.name;
    this.#handler = handler;
    this.#consumer = consumer;
    this.#judge = judge;
    this.#outlet = outlet;
    this.handleBriefly = (message, origin) => this.#handleBriefly(message, origin, desk);
  }

  handle(call: Call): void {
    call.begun = true;
    call.entering = true;
    let result: ReturnType<Handler>;
    enterHandler();
    try {
      result = this.#run(call.message);
    } catch (error) {
      this.#threw(call, error);
      return;
    }
    leaveHandler();
    this.#returned(result, call);
  }

  #handleBriefly(message: BriefMessage, origin: Origin, desk: Desk): Call | undefined {
    let result: ReturnType<Handler>;
    enterHandler();
    try {
      result = this.#run(message);
    } catch (error) {
      const call = desk.callOfBrief(message);
      this.#threw(call, error);
      return call;
    }
    leaveHandler();
    if (result === undefined && !desk.hasMadeCall && this.#judge.succeedBriefly(message, origin)) return undefined;
    if (isPromise(result)) this.handleBriefly = undefined;
    const call = desk.callOfBrief(message);
    this.#returned(result, call);
    return call;
  }

  #run(message: ReceivedMessage): ReturnType<Handler> {
    const result = this.#handler(message);
    return result === undefined || !this.#consumer || isPromise(result) ? result : onlyMessages(result);
  }

  #returned(result: ReturnType<Handler>, call: Call): void {
    call.entering = false;
    if (call.inner !== undefined && call.inner !== result) call.followInner();
    if (result === undefined) void this.#judge.succeed(call);
    else this.#follow(result, call);
  }

  #threw(call: Call, error: unknown): void {
    leaveHandler();
    call.entering = false;
    call.followInner();
    void this.#judge.fail(call, error);
  }

  #follow(result: Exclude<ReturnType<Handler>, undefined>, call: Call): void {
    if (isPromise(result)) this.#when(result, call);
    else this.#publish(call, result);
  }

  end(): void {}

  #when(result: Promise<Produced>, call: Call): void {
    asPromise(result).then(
      (produced) => {
        call.innerEnded(result);
        this.#resolved(call, produced);
      },
      (error: unknown) => {
        call.innerEnded(result);
        void this.#judge.fail(call, error);
      },
    );
  }

  #resolved(call: Call, produced: Produced): void {
    let output = produced;
    if (produced !== undefined && this.#consumer) {
      try {
        output = onlyMessages(produced);
      } catch (error) {
        void this.#judge.fail(call, error);
        return;
      }
    }
    if (output === undefined) void this.#judge.succeed(call);
    else this.#publish(call, output);
  }

  #publish(call: Call, produced: Produced): void {
    if (this.#judge.dropsOutput(call) || (Array.isArray(produced) && produced.length === 0)) {
      void this.#judge.succeed(call);
      return;
    }
    if (this.#outlet === undefined) {
      void this.#judge.fail(call, outputWithoutPublisher(this.#name));
      return;
    }
    this.#outlet.publish(produced, call.message).then(
      () => {
        void this.#judge.succeed(call);
      },
      (error: unknown) => {
        void this.#judge.fail(call, error);
      },
    );
  }
}
