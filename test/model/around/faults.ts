import { PublishError } from "millrace";
import type { Step } from "../plan/program.ts";

type Order = Extract<Step, { do: "publishes" }>;

/** What becomes of one publish call. */
export interface Fate {
  readonly fail: "rejected" | "unknown" | undefined;
  /** The answer comes after so long. */
  readonly ms: number;
  /** How many messages of the call are confirmed before it fails. */
  readonly confirmed: number;
}

const FINE: Fate = { fail: undefined, ms: 0, confirmed: 0 };

/** What goes wrong with publishing, by order. */
export class Faults {
  #orders: { readonly order: Order; left: number }[] = [];
  readonly #refused: Set<string> = new Set();

  order(order: Order): void {
    this.#orders.push({ order, left: order.times ?? 1 });
  }

  refuse(text: string): void {
    this.#refused.add(text);
  }

  refuses(texts: readonly string[]): boolean {
    return texts.some((text) => this.#refused.has(text));
  }

  next(topic: string): Fate {
    const found = this.#orders.find(({ order, left }) => left > 0 && order.topic === topic);
    if (found === undefined) return FINE;
    found.left--;
    const { fail, ms = 0, confirmed = 0 } = found.order;
    return { fail, ms, confirmed };
  }

  /** Nothing fails any more, except what is refused for good. */
  stop(): void {
    this.#orders = [];
  }
}

/** A call that failed: what came before `from` is confirmed. */
export function failedCall(count: number, from: number, outcome: "rejected" | "unknown", retryable = true): PublishError {
  const outcomes = Array.from({ length: count }, (_, index) => (index < from ? ("confirmed" as const) : outcome));
  return new PublishError("the publish fails on order", { code: "ON_ORDER", retryable, outcomes });
}
