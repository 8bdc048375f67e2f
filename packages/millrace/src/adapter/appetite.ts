import type { Lanes } from "./lanes.ts";
import { Prefetch } from "./prefetch.ts";
import type { KnownSettings } from "./settings.ts";
import type { Session } from "./source.ts";
import type { StatusBoard } from "./status-board.ts";

/** Asks the session for more, as much as the pace allows and the bounds permit. */
export class Appetite {
  readonly #settings: KnownSettings;
  readonly #lanes: Lanes;
  readonly #status: StatusBoard;
  readonly #maxInFlight: number;
  readonly #prefetch: Prefetch;
  /** Asked of the session and not delivered yet. */
  #wanted = 0;

  constructor(settings: KnownSettings, maxInFlight: number, lanes: Lanes, status: StatusBoard) {
    this.#settings = settings;
    this.#maxInFlight = maxInFlight;
    this.#lanes = lanes;
    this.#status = status;
    this.#prefetch = new Prefetch(maxInFlight, settings.prefetch, settings.leaseMs);
  }

  /** Less than half of what should be at hand is at hand. */
  get hungry(): boolean {
    return this.#lanes.ready * 2 < this.#prefetch.target && this.#wanted * 2 < this.#prefetch.target;
  }

  onSettled(): void {
    this.#prefetch.count();
  }

  onDelivered(): void {
    this.#wanted--;
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
    const { parkLimit, parkBytes, prefetchBytes } = this.#settings;
    const lanes = this.#lanes;
    const full = lanes.parked >= parkLimit || lanes.parkedBytes >= parkBytes;
    this.#status.block("parked", full ? parkedText(lanes) : undefined);
    if (full || lanes.waiting >= parkLimit + this.#maxInFlight || (lanes.bytes >= prefetchBytes && lanes.held > 0)) {
      this.stop(session);
      return;
    }
    const room = this.#prefetch.adapt() - lanes.ready;
    if (room <= 0) return;
    this.#wanted = room;
    session.want(room);
  }
}

function parkedText(lanes: Lanes): string {
  const key = lanes.failedKey === undefined ? "" : `, key ${JSON.stringify(lanes.failedKey)}`;
  return `${lanes.parked} messages failed or wait behind a failed one${key}`;
}
