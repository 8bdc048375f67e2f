export type FaultKind = "restart" | "kill" | "join" | "leave";

/** What members had in hand, at the moment at which it was most. */
export interface InHand {
  readonly inFlight: number;
  readonly unflushed: number;
  readonly held: number;
}

/** One fault of a soak, and what came of it. */
export class Fault {
  readonly number: number;
  readonly kind: FaultKind;
  /** The group whose members it strikes; all of them where there is none. */
  readonly group: string | undefined;
  /** The one member that it strikes, if it strikes one only. */
  readonly victim: number | undefined;
  /** What a log may repeat beyond what was in hand. */
  readonly gap: number;
  inFlight = 0;
  unflushed = 0;
  held = 0;
  /** Acks of the broker's last moments, which it may not have written when it was killed. */
  unwritten = 0;
  /** Messages that were handed out once more because of it. */
  duplicates = 0;
  /** Of these, those whose ack was durable, as far as `flush` had said. */
  flushedDuplicates = 0;
  /** Of the duplicates, those that a member had had which it does not strike. */
  strayDuplicates = 0;
  /** Messages that were published twice, for the first time was without an answer. */
  copies = 0;
  /** How long the broker was away. */
  awayMs = 0;
  /** From its beginning until all that had been published before was handled. */
  healedMs = 0;

  constructor(number: number, kind: FaultKind, strikes: { readonly group?: string | undefined; readonly victim?: number | undefined; readonly gap: number }) {
    this.number = number;
    this.kind = kind;
    this.group = strikes.group;
    this.victim = strikes.victim;
    this.gap = strikes.gap;
  }

  strikes(group: string, member: number): boolean {
    return (this.group === undefined || this.group === group) && (this.victim === undefined || this.victim === member);
  }

  add({ inFlight, unflushed, held }: InHand): void {
    this.inFlight += inFlight;
    this.unflushed += unflushed;
    this.held += held;
  }

  /** What it may repeat at most. */
  get bound(): number {
    return this.inFlight + this.unflushed + this.held + this.gap + this.unwritten;
  }

  /** What is wrong with what it did. */
  problems(): readonly string[] {
    const name = `fault ${this.number + 1} (${this.kind})`;
    const { duplicates, flushedDuplicates, bound, gap } = this;
    const found = duplicates > bound ? [`${name} repeated ${duplicates} messages, at most ${bound} may be`] : [];
    const durable = gap + this.unwritten;
    if (flushedDuplicates > durable)
      found.push(`${name} repeated ${flushedDuplicates} messages whose acks were durable, as flush had said; at most ${durable} may be`);
    const others = duplicates - flushedDuplicates;
    if (others > bound - durable) found.push(`${name} repeated ${others} messages that nobody had in hand`);
    return found;
  }
}
