import type { PublishOutcome } from "../../errors/index.ts";
import type { PublishCall } from "./publish-call.ts";

/** Where a message is: in its lane, on a link without an answer, answered. */
export type OutgoingState = "waiting" | "in flight" | "answered";

/** Who sent it. */
export interface AnswerDesk {
  /** `told`: the broker has said so. */
  onAnswer(message: Outgoing<unknown>, told: boolean): void;
  onAgain(message: Outgoing<unknown>, error: unknown): void;
}

/** One message on its way. Whoever sends it says what became of it: the first answer counts. */
export class Outgoing<Item> {
  readonly item: Item;
  readonly bytes: number;
  readonly call: PublishCall<Item>;
  /** Its place in the call. */
  readonly index: number;
  /** For the lane alone to write. */
  state: OutgoingState = "waiting";
  readonly #desk: AnswerDesk;

  constructor(desk: AnswerDesk, call: PublishCall<Item>, index: number, item: Item, bytes: number) {
    this.#desk = desk;
    this.call = call;
    this.index = index;
    this.item = item;
    this.bytes = bytes;
  }

  /** The broker has it, for good. */
  confirm(): void {
    this.#answer("confirmed");
  }

  /** Surely not in the broker: refused by name, or never sent. */
  reject(error: unknown): void {
    this.#answer("rejected", error);
  }

  /** It was sent, and nobody will say what became of it. */
  unknown(error: unknown): void {
    this.#answer("unknown", error);
  }

  /** Surely not in the broker, for a reason that passes: it is sent again in its place, while its call has time. */
  again(error: unknown): void {
    if (this.state === "in flight") this.#desk.onAgain(this, error);
  }

  #answer(outcome: PublishOutcome, error?: unknown): void {
    if (this.state === "answered") return;
    this.#desk.onAnswer(this, outcome !== "unknown");
    this.call.decide(this.index, 1, outcome, error);
  }
}
