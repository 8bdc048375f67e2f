/** How long our members claim at a stretch in a group that members written for Watermill work on too. */
export const TURN_MS = 5_000;
/** How long they leave the group alone afterwards. A Watermill member looks once a second, unless told otherwise. */
export const REST_MS = 1_500;
/** How long after one of Watermill's was seen last the group is still shared. */
const REMEMBER_MS = 3_600_000;
const WRITE_MS = 10_000;

type State = [
  /** When a Watermill member was seen last. */
  seenMs: number,
  /** When our turn began. */
  beganMs: number,
  /** When ours held nothing any more. */
  leftMs: number,
  /** Where the group stood then: where it stands elsewhere, another one has moved it. */
  leftAt: number,
];

/**
 * Shares a group with members written for Watermill, by turns. Those take the whole group when they find its lock free at one of
 * their looks, and under load ours would never set it free. That one of them waits cannot be seen; that one was there can. Times are
 * of the clock on the wall: if that is set, a turn is longer or shorter once.
 */
export class Turns {
  readonly #now: number;
  readonly #before: string | null;
  #state: State | undefined;

  /** `text`: as it was written last; `null` where no Watermill member was ever seen. */
  constructor(text: string | null, now: number) {
    this.#now = now;
    this.#before = text;
    const state = text === null ? undefined : (JSON.parse(text) as State);
    if (state !== undefined && Math.abs(now - state[0]) < REMEMBER_MS) this.#state = state;
  }

  /** Watermill members work on the group too. */
  get shared(): boolean {
    return this.#state !== undefined;
  }

  /** What is to be written, where that is new. */
  get news(): string | null | undefined {
    const text = this.#state === undefined ? null : JSON.stringify(this.#state);
    return text === this.#before ? undefined : text;
  }

  /** A Watermill member is at work, or was since ours looked last. */
  seen(acked: number): void {
    this.#state ??= [this.#now, 0, 0, acked];
    if (this.#now - this.#state[0] >= WRITE_MS) this.#state[0] = this.#now;
  }

  /** Why nothing may be claimed now, if that is so. `holding`: ours held claims when the exchange began. */
  mayNotClaim(acked: number, holding: boolean): string | undefined {
    if (this.#state === undefined) return undefined;
    const [, beganMs, leftMs, leftAt] = this.#state;
    if (!holding && leftAt !== acked) this.seen(acked);
    if (this.#isWithin(TURN_MS, beganMs)) return undefined;
    if (holding) return "the turn is over, and the group goes to its Watermill members when what is held is settled";
    if (this.#isWithin(REST_MS, leftMs)) return "it is the turn of the Watermill members of the group";
    this.#state[1] = this.#now;
    return undefined;
  }

  /** After an exchange: whether ours held claims before, and whether they do now. */
  leave(acked: number, { before, now }: { readonly before: boolean; readonly now: boolean }): void {
    if (this.#state === undefined || now) return;
    if (before) this.#state[2] = this.#now;
    this.#state[3] = acked;
  }

  #isWithin(timeMs: number, sinceMs: number): boolean {
    const passedMs = this.#now - sinceMs;
    return passedMs >= 0 && passedMs < timeMs;
  }
}
