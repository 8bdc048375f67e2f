import { startTimer, stopTimer, type TimerHandle } from "millrace/adapter";

const FIRST_MS = 10;
const GROWTH = 1.5;
const MOST_MS = 500;

const members: Map<string, Set<GroupPeer>> = new Map();

/**
 * The members of one group in this process. Kafka tells a member only with its next heartbeat that the group gathers, and all
 * wait for the last of them: those that are near each other say so themselves.
 */
export class GroupPeer {
  readonly #group: string;
  readonly #onCall: () => void;

  /** `onCall`: another one joins, a heartbeat now would tell. */
  constructor(group: string, onCall: () => void) {
    this.#group = group;
    this.#onCall = onCall;
    const known = members.get(group);
    if (known === undefined) members.set(group, new Set([this]));
    else known.add(this);
  }

  leave(): void {
    const known = members.get(this.#group);
    known?.delete(this);
    if (known?.size === 0) members.delete(this.#group);
  }

  /** Calls the others, again and again for as long as `joining` takes: nobody knows when the broker has heard of it. */
  async calling<T>(joining: Promise<T>): Promise<T> {
    let timer: TimerHandle | undefined;
    let waitMs = FIRST_MS;
    const call = (): void => {
      for (const peer of members.get(this.#group) ?? []) if (peer !== this) peer.#onCall();
      waitMs = Math.min(waitMs * GROWTH, MOST_MS);
      timer = startTimer(call, waitMs);
    };
    timer = startTimer(call, waitMs);
    try {
      return await joining;
    } finally {
      stopTimer(timer);
    }
  }
}
