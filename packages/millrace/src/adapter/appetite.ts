import type { Lanes } from "./lanes.ts";
import { Prefetch } from "./prefetch.ts";
import type { KnownSettings } from "./settings.ts";
import type { Session } from "./source.ts";
import type { StatusBoard } from "./status-board.ts";

/** So many messages tell how large the next ones will be. */
const SIZES = 8;

/** Asks the session for more, as much as the pace allows and the bounds permit. */
export class Appetite {
  readonly #settings: KnownSettings;
  readonly #lanes: Lanes;
  readonly #status: StatusBoard;
  readonly #maxInFlight: number;
  readonly #prefetch: Prefetch;
  /** Asked of the session and not delivered yet. */
  #wanted = 0;
  /** How many should be at hand. */
  #target: number;
  /** The size of a payload, as the last ones were. */
  #bytesEach = 1;
  #blocked = false;
  /** So much waits behind busy keys that nothing of other keys is fetched. */
  #queued = false;

  constructor(settings: KnownSettings, maxInFlight: number, lanes: Lanes, status: StatusBoard) {
    this.#settings = settings;
    this.#maxInFlight = maxInFlight;
    this.#lanes = lanes;
    this.#status = status;
    this.#prefetch = new Prefetch(maxInFlight, settings.prefetch, settings.leaseMs);
    this.#target = this.#prefetch.target;
  }

  /** Less than half of what should be at hand is at hand, or what is parked has reached its bound, or is below it again. */
  get hungry(): boolean {
    return Math.max(this.#lanes.atHand, this.#wanted) * 2 < this.#target || ((this.#blocked || this.#lanes.parked > 0) && this.#full !== this.#blocked);
  }

  get #full(): boolean {
    return this.#lanes.parked >= this.#settings.parkLimit || this.#lanes.parkedBytes >= this.#settings.parkBytes;
  }

  onSettled(): void {
    this.#prefetch.count();
  }

  onDelivered(bytes: number): void {
    this.#wanted--;
    this.#bytesEach += (bytes - this.#bytesEach) / SIZES;
  }

  /** Messages came larger than expected: no more of them. */
  get overfull(): boolean {
    return this.#wanted > 0 && this.#lanes.bytes >= this.#settings.prefetchBytes;
  }

  /** A new session knows of no earlier wish. */
  restart(): void {
    this.#wanted = 0;
    this.#prefetch.restart();
  }

  stop(session: Session<unknown> | undefined): void {
    this.#wanted = 0;
    session?.want(0);
  }

  /** To be called when hungry. */
  fetch(session: Session<unknown>): void {
    const { parkLimit, prefetchBytes } = this.#settings;
    const lanes = this.#lanes;
    const full = this.#full;
    this.#blocked = full;
    this.#status.block("parked", full ? parkedText(lanes) : undefined);
    const queued = !full && this.#maxInFlight > 1 && lanes.waiting >= parkLimit + this.#maxInFlight;
    if (!queued) this.#status.block("queued", undefined);
    else if (!this.#queued) this.#status.block("queued", queuedText(lanes));
    this.#queued = queued;
    if (full || queued || lanes.waiting >= parkLimit + this.#maxInFlight || (lanes.bytes >= prefetchBytes && lanes.held > 0)) {
      this.stop(session);
      return;
    }
    this.#target = Math.min(this.#prefetch.adapt(), Math.ceil(prefetchBytes / this.#bytesEach));
    const room = this.#target - lanes.atHand;
    if (room <= 0) return;
    this.#wanted = room;
    session.want(room);
  }
}

function parkedText(lanes: Lanes): string {
  const key = lanes.failedKey === undefined ? "" : `, key ${JSON.stringify(lanes.failedKey)}`;
  return `${lanes.parked} messages failed or wait behind a failed one${key}`;
}

function queuedText(lanes: Lanes): string {
  const { key, count } = lanes.longest();
  return `${lanes.waiting} messages wait behind busy keys, ${count} of them behind key ${JSON.stringify(key)}: no more are fetched until some of them are handled`;
}
