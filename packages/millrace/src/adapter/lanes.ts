import { Ring } from "../internal/ring.ts";
import { monotonicMs, startTimer, stopTimer, type TimerHandle } from "../internal/timers.ts";
import { Lane } from "./lane.ts";
import type { Received } from "./received.ts";

export interface LaneRules {
  /** `"one"`: the whole subscription is one lane. `"none"`: no order. Else the key of a message; no key, no lane. */
  readonly order: "one" | "none" | ((message: Received) => string | undefined);
  /** Messages of one lane that may be out at a time. */
  readonly depth: number;
}

/**
 * Holds what was fetched and not yet handed out, and decides what may be handed out next.
 *
 * Of one lane at most `depth` messages are out. A failed message goes back to the front of its lane, which then waits; the
 * other lanes go on. What has failed, or waits behind a failed one, is *parked*: it is counted apart.
 */
export class Lanes {
  readonly #rules: LaneRules;
  readonly #onReady: () => void;
  readonly #ready: Ring<Received> = new Ring();
  readonly #lanes: Map<string, Lane> = new Map();
  readonly #single: Lane | undefined;
  /** Failed messages without a lane, waiting for their next attempt. */
  readonly #delayed: Map<Received, TimerHandle> = new Map();
  #waiting = 0;
  #bytes = 0;
  #parked = 0;
  #parkedBytes = 0;
  #failedKey: string | undefined;

  constructor(rules: LaneRules, onReady: () => void) {
    this.#rules = rules;
    this.#onReady = onReady;
    this.#single = rules.order === "one" ? new Lane(undefined) : undefined;
  }

  /** Will be handed out without anything more being fetched: what waits behind a busy lane counts where there is no other lane. */
  get atHand(): number {
    return this.#ready.size + (this.#single === undefined ? 0 : this.#waiting);
  }

  /** Everything here. */
  get held(): number {
    return this.#ready.size + this.#waiting + this.#delayed.size;
  }

  /** Payload bytes of everything here. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Behind a busy or failing lane. */
  get waiting(): number {
    return this.#waiting;
  }

  get parked(): number {
    return this.#parked;
  }

  get parkedBytes(): number {
    return this.#parkedBytes;
  }

  /** The key that failed last, for health. */
  get failedKey(): string | undefined {
    return this.#failedKey;
  }

  /** False when it has to wait for others of its lane, or for its time. */
  add(message: Received): boolean {
    this.#bytes += message.payload.length;
    const lane = this.#single ?? this.#laneOf(message);
    message.lane = lane;
    if (message.notBeforeMs > 0 && this.#delay(lane, message)) return false;
    if (lane === undefined || lane !== this.#single) return this.#addReady(lane, message);
    this.#addWaiting(lane, message);
    return lane.waiting.size === 1 && lane.mayGo(this.#rules.depth);
  }

  #addReady(lane: Lane | undefined, message: Received): boolean {
    if (lane === undefined || (lane.waiting.size === 0 && lane.mayGo(this.#rules.depth))) {
      if (lane !== undefined) lane.out++;
      this.#ready.push(message);
      return true;
    }
    this.#addWaiting(lane, message);
    return false;
  }

  #addWaiting(lane: Lane, message: Received): void {
    lane.waiting.push(message);
    this.#waiting++;
    if (lane.stalled) this.#park(message);
  }

  /** The next message to hand out. */
  take(): Received | undefined {
    const message = this.#single === undefined ? this.#ready.shift() : this.#takeOf(this.#single);
    if (message !== undefined) this.#bytes -= message.payload.length;
    return message;
  }

  /** Where there is one lane only, its messages need not be made ready one by one. */
  #takeOf(lane: Lane): Received | undefined {
    if (lane.dated) this.#waitForHead(lane);
    if (!lane.mayGo(this.#rules.depth)) return undefined;
    const message = lane.waiting.shift();
    if (message === undefined) return undefined;
    this.#waiting--;
    lane.out++;
    return message;
  }

  /** A handed-out message is settled, or lost: its lane goes on. */
  release(message: Received): void {
    const lane = message.lane as Lane | undefined;
    if (lane === undefined) return;
    lane.out--;
    if (lane.waiting.size > 0 || lane.gathering) this.#advance(lane);
    else this.#dropIfIdle(lane);
  }

  /** A handed-out message comes back: it is handed out again as attempt `attempt`, before any later one of its lane, after `delayMs`. */
  back(message: Received, attempt: number, delayMs: number): void {
    const next = message.again(attempt, delayMs > 0 ? monotonicMs() + delayMs : 0);
    this.#bytes += next.payload.length;
    const lane = message.lane as Lane | undefined;
    if (lane !== undefined) {
      lane.out--;
      lane.gathering = true;
      this.#putBack(lane, next);
    } else if (delayMs > 0) this.#wait(next, delayMs);
    else if (attempt === message.attempt) this.#ready.unshift(next);
    else this.#ready.push(next);
  }

  /** The key with the most messages that wait behind a busy lane, and how many they are. */
  longest(): { readonly key: string | undefined; readonly count: number } {
    let longest: ReturnType<Lanes["longest"]> = { key: undefined, count: 0 };
    for (const { key, waiting } of this.#lanes.values()) if (waiting.size > longest.count) longest = { key, count: waiting.size };
    return longest;
  }

  /** Takes out everything that `which` names and that was not handed out, in order of arrival. */
  remove(which: (message: Received) => boolean = () => true): Received[] {
    const lanes = this.#single === undefined ? [...this.#lanes.values()] : [this.#single];
    const taken = this.#ready.takeOut(which);
    for (const { lane } of taken) if (lane !== undefined) (lane as Lane).out--;
    for (const [message, handle] of this.#delayed) {
      if (!which(message)) continue;
      stopTimer(handle);
      this.#delayed.delete(message);
      this.#unpark(message);
      taken.push(message);
    }
    for (const lane of lanes) {
      const waited = lane.waiting.takeOut(which);
      this.#waiting -= waited.length;
      if (lane.stalled) for (const message of waited) this.#unpark(message);
      taken.push(...waited);
      if (lane.waiting.size === 0)
        lane.clear(); // nothing waits for its next attempt any more
      else if (waited.length > 0) this.#waitForHead(lane);
    }
    for (const message of taken) this.#bytes -= message.payload.length;
    // The others may go on where what was before them has gone.
    for (const lane of lanes) this.#advance(lane);
    return taken.sort((one, other) => one.sequence - other.sequence);
  }

  /** Something is in hand, or waits, that has this key; of the only lane, and of what has no key, nobody knows. */
  has(key: string | undefined): boolean {
    return key === undefined || this.#lanes.has(key);
  }

  #laneOf(message: Received): Lane | undefined {
    const { order } = this.#rules;
    if (typeof order === "string") return this.#single;
    const key = order(message);
    if (key === undefined) return undefined;
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = new Lane(key);
      this.#lanes.set(key, lane);
    }
    return lane;
  }

  /** One that was given back before it was due, and has come again. False when it is due now. */
  #delay(lane: Lane | undefined, message: Received): boolean {
    const delayMs = message.notBeforeMs - monotonicMs();
    if (delayMs <= 0) return false;
    if (lane === undefined) this.#wait(message, delayMs);
    else this.#putBack(lane, message);
    return true;
  }

  #wait(message: Received, delayMs: number): void {
    this.#park(message);
    this.#delayed.set(
      message,
      startTimer(() => this.#undelay(message), delayMs),
    );
  }

  #putBack(lane: Lane, message: Received): void {
    this.#recall(lane, message.sequence);
    lane.putBack(message);
    this.#waiting++;
    if (lane.stalled) this.#park(message);
    this.#waitForHead(lane);
    this.#advance(lane);
  }

  /** Later messages of a failed lane that were ready, but not yet handed out, go behind it again. */
  #recall(lane: Lane, sequence: number): void {
    if (this.#rules.depth === 1 || this.#ready.size === 0) return;
    const kept: Received[] = [];
    const back: Received[] = [];
    for (const message of this.#ready) (message.lane === lane && message.sequence > sequence ? back : kept).push(message);
    if (back.length === 0) return;
    this.#ready.clear();
    for (const message of kept) this.#ready.push(message);
    for (const message of back) {
      lane.out--;
      lane.putBack(message);
      this.#waiting++;
    }
  }

  /** The lane waits until the first of it is due, and no longer: others of it may be due later, each in its turn. */
  #waitForHead(lane: Lane): void {
    if (lane.waiting.size === 0) lane.dated = false;
    const { notBeforeMs = 0 } = lane.waiting.peek() ?? {};
    const dueInMs = notBeforeMs === 0 ? 0 : notBeforeMs - monotonicMs();
    if (dueInMs > 0) this.#stall(lane, dueInMs);
    else if (lane.stalled) this.#unstall(lane);
  }

  #stall(lane: Lane, delayMs: number): void {
    this.#failedKey = lane.key;
    if (!lane.stalled) for (const message of lane.waiting) this.#park(message);
    lane.stalled = true;
    stopTimer(lane.timer);
    lane.timer = startTimer(() => {
      this.#unstall(lane);
      this.#advance(lane);
      this.#onReady();
    }, delayMs);
  }

  #unstall(lane: Lane): void {
    stopTimer(lane.timer);
    lane.timer = undefined;
    lane.stalled = false;
    for (const message of lane.waiting) this.#unpark(message);
  }

  #undelay(message: Received): void {
    this.#delayed.delete(message);
    this.#unpark(message);
    this.#ready.push(message);
    this.#onReady();
  }

  #advance(lane: Lane): void {
    if (lane.out === 0) lane.gathering = false;
    if (lane === this.#single) return;
    while (lane.waiting.size > 0 && lane.mayGo(this.#rules.depth)) {
      if (lane.dated) {
        this.#waitForHead(lane);
        if (lane.stalled) return;
      }
      this.#ready.push(lane.waiting.shift() as Received);
      this.#waiting--;
      lane.out++;
    }
    this.#dropIfIdle(lane);
  }

  #dropIfIdle(lane: Lane): void {
    if (lane.key !== undefined && lane.idle) this.#lanes.delete(lane.key);
  }

  #park(message: Received): void {
    this.#parked++;
    this.#parkedBytes += message.payload.length;
  }

  #unpark(message: Received): void {
    this.#parked--;
    this.#parkedBytes -= message.payload.length;
  }
}
