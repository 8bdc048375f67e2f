import { randomUUID } from "node:crypto";

/**
 * The barest in-process pub/sub that still keeps what the contract promises: an id for every message, a copy for every subscriber, one
 * verdict, a bound on what is in flight, a bound on the buffer that makes publishers wait. No groups, lanes, redelivery, drain, status.
 */
export class YardstickMessage {
  readonly id: string;
  readonly payload: Uint8Array;
  metadata: Map<string, string> | undefined;
  #verdict: "acked" | "nacked" | undefined = undefined;
  #owner: YardstickSubscription | undefined;

  constructor(payload: Uint8Array, id: string = randomUUID(), metadata?: Map<string, string>, owner?: YardstickSubscription) {
    this.id = id;
    this.payload = payload;
    this.metadata = metadata;
    this.#owner = owner;
  }

  copyFor(owner: YardstickSubscription): YardstickMessage {
    return new YardstickMessage(this.payload, this.id, this.metadata === undefined ? undefined : new Map(this.metadata), owner);
  }

  ack(): boolean {
    return this.#settle("acked");
  }

  nack(): boolean {
    return this.#settle("nacked");
  }

  #settle(verdict: "acked" | "nacked"): boolean {
    if (this.#verdict !== undefined) return this.#verdict === verdict;
    this.#verdict = verdict;
    this.#owner?.settled();
    return true;
  }
}

type Step = IteratorResult<YardstickMessage, undefined>;

/** Hands out copies in order, at most `maxInFlight` unsettled at a time. */
export class YardstickSubscription implements AsyncIterableIterator<YardstickMessage, undefined> {
  readonly #maxInFlight: number;
  readonly #waiting: ((step: Step) => void)[] = [];
  #queue: (YardstickMessage | undefined)[] = [];
  #head = 0;
  #inFlight = 0;
  #roomAt = 0;
  #onRoom: (() => void) | undefined;

  constructor(maxInFlight: number) {
    this.#maxInFlight = maxInFlight;
  }

  get held(): number {
    return this.#queue.length - this.#head;
  }

  push(message: YardstickMessage): void {
    if (this.#waiting.length > 0 && this.#inFlight < this.#maxInFlight) this.#give(message);
    else this.#queue.push(message);
  }

  settled(): void {
    this.#inFlight--;
    if (this.#waiting.length > 0 && this.held > 0) this.#give(this.#shift());
    if (this.#onRoom !== undefined && this.held <= this.#roomAt) {
      this.#onRoom();
      this.#onRoom = undefined;
    }
  }

  next(): Promise<Step> {
    if (this.#inFlight >= this.#maxInFlight || this.held === 0) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#inFlight++;
    return Promise.resolve({ value: this.#shift(), done: false });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  whenRoom(mark: number): Promise<void> {
    this.#roomAt = mark;
    return new Promise((resolve) => {
      this.#onRoom = resolve;
    });
  }

  #give(message: YardstickMessage): void {
    this.#inFlight++;
    this.#waiting.shift()?.({ value: message, done: false });
  }

  #shift(): YardstickMessage {
    const message = this.#queue[this.#head] as YardstickMessage;
    this.#queue[this.#head++] = undefined;
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    }
    return message;
  }
}

export class YardstickBus {
  readonly #topics: Map<string, YardstickSubscription[]> = new Map();
  readonly #bufferSize: number;

  constructor(bufferSize: number) {
    this.#bufferSize = bufferSize;
  }

  subscribe(topic: string, maxInFlight: number): YardstickSubscription {
    const subscription = new YardstickSubscription(maxInFlight);
    const all = this.#topics.get(topic);
    if (all === undefined) this.#topics.set(topic, [subscription]);
    else all.push(subscription);
    return subscription;
  }

  /** Answers with a promise only when a subscriber is full: whoever publishes has to wait for it. */
  publish(topic: string, message: YardstickMessage): Promise<void> | undefined {
    let full: YardstickSubscription | undefined;
    for (const subscription of this.#topics.get(topic) ?? []) {
      subscription.push(message.copyFor(subscription));
      if (subscription.held >= this.#bufferSize) full = subscription;
    }
    return full?.whenRoom(this.#bufferSize / 2);
  }
}
