import { KEY_COUNT } from "./content.ts";
import type { InHand } from "./fault.ts";

/** What the journal has told of one member. */
export class MemberRecord {
  readonly id: number;
  /** By key: the message that it has in hand, plus one; 0 for none. */
  readonly open: Int32Array = new Int32Array(KEY_COUNT);
  /** By key: the last one that it was the first to be handed, plus one. */
  readonly latest: Int32Array = new Int32Array(KEY_COUNT);
  ready = false;
  /** It was killed, or is about to be. */
  dead = false;
  closed = false;
  inFlight = 0;
  held = 0;
  /** Acks given, and how many of these are durable. */
  done = 0;
  #flushed = 0;
  /** Acks of which `flush` did not say that they are durable: from (without) and to. */
  readonly #doubts: [number, number][] = [];
  #peak: InHand | undefined;

  constructor(id: number) {
    this.id = id;
  }

  get inHand(): InHand {
    return { inFlight: this.inFlight, unflushed: this.done - this.#flushed, held: this.held };
  }

  onFlushed(acks: number): void {
    this.#flushed = Math.max(this.#flushed, acks);
  }

  onUnflushed(acks: number): void {
    const last = this.#doubts.at(-1);
    if (last !== undefined && last[1] >= this.#flushed) last[1] = Math.max(last[1], acks);
    else if (acks > this.#flushed) this.#doubts.push([this.#flushed, acks]);
  }

  /** Whether its ack number `ordinal` (from 1) is durable. */
  isDurable(ordinal: number): boolean {
    return ordinal > 0 && ordinal <= this.#flushed && !this.#doubts.some(([from, to]) => ordinal > from && ordinal <= to);
  }

  /** A fault that strikes this member is on: remembers when it had most in hand. */
  measure(): void {
    const peak = this.#peak;
    if (peak === undefined || this.inFlight + this.done - this.#flushed + this.held > peak.inFlight + peak.unflushed + peak.held) this.#peak = this.inHand;
  }

  /** The fault is over. */
  takePeak(): InHand | undefined {
    const peak = this.#peak;
    this.#peak = undefined;
    return peak;
  }
}
