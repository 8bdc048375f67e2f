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
  /** So much waits behind busy keys that nothing was fetched any more, and not enough of it has been handled since. */
  #queued = false;
  /** What health says is in the way. */
  #told: { readonly parked: boolean; readonly key: string | undefined } | undefined;

  constructor(settings: KnownSettings, maxInFlight: number, lanes: Lanes, status: StatusBoard) {
    this.#settings = settings;
    this.#maxInFlight = maxInFlight;
    this.#lanes = lanes;
    this.#status = status;
    this.#prefetch = new Prefetch(maxInFlight, settings.prefetch, settings.leaseMs);
    this.#target = this.#prefetch.target;
  }

  /** Less than half of what should be at hand is at hand; or what is parked has reached its bound, is below it again, or need not be told any more. */
  get hungry(): boolean {
    if (Math.max(this.#lanes.atHand, this.#wanted) * 2 < this.#target) return true;
    if ((this.#blocked || this.#lanes.parked > 0) && this.#full !== this.#blocked) return true;
    return this.#told !== undefined && !this.#blocked && this.#eased;
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
    const { prefetchBytes } = this.#settings;
    const lanes = this.#lanes;
    const full = this.#full;
    this.#blocked = full;
    const space = this.#space;
    this.#queued = space <= 0 || (this.#queued && space < this.#step);
    this.#tell(full);
    if (full || this.#queued || (lanes.bytes >= prefetchBytes && lanes.held > 0)) {
      this.stop(session);
      return;
    }
    this.#target = Math.min(this.#prefetch.adapt(), Math.ceil(prefetchBytes / this.#bytesEach), lanes.atHand + space);
    const room = this.#target - lanes.atHand;
    if (room <= 0 || room === this.#wanted) return; // so much is on its way
    this.#wanted = room;
    session.want(room);
  }

  /** So much may come, should all of it have to wait behind busy keys. Where there is one lane only, nobody is in another's way. */
  get #space(): number {
    const space = this.#settings.parkLimit + this.#maxInFlight - this.#lanes.waiting;
    return this.#maxInFlight > 1 || space <= 0 ? space : Infinity;
  }

  /** So much is fetched at once after the bound was reached: not one for each that is handled. */
  get #step(): number {
    return Math.min(Math.ceil(this.#prefetch.target / 2), Math.ceil((this.#settings.parkLimit + this.#maxInFlight) / 4));
  }

  /** Half of what may wait is through, by number and, about, by size: at the bound itself every message would change what is told. */
  get #eased(): boolean {
    const { parkLimit, parkBytes } = this.#settings;
    const behind = this.#maxInFlight === 1 ? this.#lanes.waiting : this.#lanes.held - this.#lanes.atHand;
    return behind * 2 < parkLimit && behind * this.#bytesEach * 2 < parkBytes;
  }

  #tell(full: boolean): void {
    const told = this.#told;
    const lanes = this.#lanes;
    if (full || (this.#queued && this.#maxInFlight > 1)) {
      if (told !== undefined && (told.parked || !full) && lanes.has(told.key)) return; // what is told still stands, and its numbers are those of then
      const longest = lanes.longest();
      this.#told = { parked: full, key: full ? lanes.failedKey : longest.key };
      this.#status.block("lanes", full ? parkedText(lanes) : queuedText(lanes, longest));
    } else if (told !== undefined && this.#eased) {
      this.#told = undefined;
      this.#status.block("lanes", undefined);
    }
  }
}

function parkedText(lanes: Lanes): string {
  const key = lanes.failedKey === undefined ? "" : `, key ${JSON.stringify(lanes.failedKey)}`;
  return `${lanes.parked} messages failed or wait behind a failed one${key}`;
}

function queuedText({ waiting }: Lanes, { key, count }: ReturnType<Lanes["longest"]>): string {
  return `${waiting} messages wait behind busy keys, ${count} of them behind key ${JSON.stringify(key)}: no more are fetched until some of them are handled`;
}
