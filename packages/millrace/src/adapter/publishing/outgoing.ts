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
  /** Its place in the order of its lane. */
  readonly place: number;
  /** For the lane alone to write. */
  state: OutgoingState = "waiting";
  readonly #desk: AnswerDesk;

  constructor(desk: AnswerDesk, call: PublishCall<Item>, index: number, bytes: number, place: number) {
    this.#desk = desk;
    this.call = call;
    this.index = index;
    this.item = call.items[index] as Item;
    this.bytes = bytes;
    this.place = place;
  }

  /** The broker has it, for good. */
  confirm(): void {
    if (this.state === "answered") return;
    this.#desk.onAnswer(this, true);
    this.call.decide(this.index, 1, "confirmed");
  }

  /** Surely not in the broker: refused by name, or never sent. */
  reject(error: unknown): void {
    if (this.state === "answered") return;
    this.#desk.onAnswer(this, true);
    this.call.decide(this.index, 1, "rejected", error);
  }

  /** It was sent, and nobody will say what became of it. */
  unknown(error: unknown): void {
    if (this.state === "answered") return;
    this.#desk.onAnswer(this, false);
    this.call.decide(this.index, 1, "unknown", error);
  }

  /** Surely not in the broker, for a reason that passes: it is sent again in its place, while its call has time. */
  again(error: unknown): void {
    if (this.state === "in flight") this.#desk.onAgain(this, error);
  }
}
