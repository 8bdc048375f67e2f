import { MillraceError } from "../../errors/index.ts";
import { startTimer, stopTimer, type TimerHandle } from "../../internal/timers.ts";
import type { Batch, BatchHandler, ReceivedMessage } from "../../message/index.ts";
import { Call } from "../calls/call.ts";
import type { Company } from "../calls/company.ts";
import type { Failing } from "../calls/failing.ts";
import { tokenOf } from "../calls/identity.ts";
import { overtakeBehind } from "../calls/in-line.ts";
import type { Slots } from "../calls/slots.ts";
import type { Judge } from "../judge.ts";
import { enterHandler, leaveHandler } from "./running-call.ts";

/** Middleware that waits for the outcome. */
export interface Waiting {
  resolve(value: undefined): void;
  reject(error: unknown): void;
}

/** One message on its way into a batch. */
class Entry implements Company {
  readonly call: Call;
  /** As middleware made it. */
  readonly message: ReceivedMessage;
  readonly waiting: Waiting | undefined;
  readonly #look: (entry: Entry) => void;

  constructor(call: Call, message: ReceivedMessage, waiting: Waiting | undefined, look: (entry: Entry) => void) {
    this.call = call;
    this.message = message;
    this.waiting = waiting;
    this.#look = look;
  }

  onAhead(): void {
    this.#look(this);
  }

  onCallOver(): void {
    this.#look(this);
  }
}

export interface CollectorRules {
  readonly name: string;
  readonly size: number;
  readonly maxWaitMs: number;
  readonly slots: Slots;
  readonly failing: Failing;
  readonly handle: BatchHandler;
  readonly judge: Judge;
}

/** How a batch went: which of its messages were named, and whether it threw. */
interface Outcome {
  readonly failed: ReadonlyMap<ReceivedMessage, unknown>;
  readonly whole: { readonly error: unknown } | undefined;
}

/**
 * Gathers messages into batches and runs them, one in each slot. A batch takes the messages of a line in order, and none behind one
 * that is not in it and has no verdict yet. When one of several fails as a whole, each of its messages is a batch of its own from then on.
 */
export class BatchCollector {
  readonly #rules: CollectorRules;
  /** The next batches, in order. */
  #gathering: Entry[] = [];
  #timer: TimerHandle | undefined;
  #due = false;
  #ended = false;
  /** Some that gather may be batches of their own. */
  #anyAlone = false;
  #asked = false;

  constructor(rules: CollectorRules) {
    this.#rules = rules;
  }

  enrol(call: Call, message: ReceivedMessage, waiting: Waiting | undefined): void {
    if (waiting !== undefined) call.changeRests(1); // until its batch begins
    leaveCompany(call); // of a batch that middleware has given up on, and that goes on
    this.#place(new Entry(call, message, waiting, this.#look));
    this.#go();
  }

  /** Nothing more will come: what has gathered runs now. */
  end(): void {
    this.#ended = true;
    this.#go();
  }

  #place(entry: Entry): void {
    const { call } = entry;
    if (call.overtaken || call.lost || call.over) {
      call.company = undefined;
      if (entry.waiting !== undefined) call.changeRests(-1);
      this.#fail(entry, call.lost ? call.message.signal.reason : Call.handedBack());
      return;
    }
    call.company = entry;
    if (isBlocked(call)) return;
    const known = call.known();
    known.gathered = true;
    known.alone = known.comesAlone || this.#cameToBeAlone(call);
    if (known.alone) this.#anyAlone = true;
    this.#gathering.push(entry);
    if (this.#gathering.length === 1) this.#waitForMore();
    call.behind?.onAhead(); // it may have waited for this one
  }

  #cameToBeAlone(call: Call): boolean {
    const { failing } = this.#rules;
    return failing.any && failing.comesAlone(tokenOf(call), call.message.delivery.attempt);
  }

  /** Something has changed for an entry that waits. */
  readonly #look = (entry: Entry): void => {
    const { call } = entry;
    if (call.rare?.gathered === true) {
      call.known().gathered = false;
      this.#gathering = this.#gathering.filter((other) => other !== entry);
      this.#setAside();
    }
    this.#place(entry);
    if (this.#gathering.length === 0) this.#waitNoMore();
    this.#go();
  };

  #go(): void {
    for (let count = this.#complete(); count > 0; count = this.#complete()) {
      if (!this.#rules.slots.free) {
        this.#askForSlot();
        return;
      }
      const batch = this.#gathering.splice(0, count);
      this.#waitNoMore();
      for (const { call } of batch) {
        call.known().gathered = false;
        call.company = undefined;
      }
      this.#setAside();
      if (this.#gathering.length > 0) this.#waitForMore();
      void this.#run(batch);
    }
  }

  /** How many the next batch has; 0 while it waits for more. */
  #complete(): number {
    const { size } = this.#rules;
    const { length } = this.#gathering;
    if (this.#anyAlone) {
      const place = this.#gathering.findIndex(({ call }) => call.rare?.alone === true);
      if (place >= 0 && place < size) return Math.max(1, place);
      this.#anyAlone = place >= 0;
    }
    if (length >= size) return size;
    return this.#due || this.#ended ? length : 0;
  }

  #askForSlot(): void {
    if (this.#asked) return;
    this.#asked = true;
    this.#rules.slots.whenFree(() => {
      this.#asked = false;
      this.#go();
    });
  }

  #waitForMore(): void {
    stopTimer(this.#timer);
    this.#timer = startTimer(() => {
      this.#due = true;
      this.#go();
    }, this.#rules.maxWaitMs);
  }

  #waitNoMore(): void {
    this.#due = false;
    stopTimer(this.#timer);
    this.#timer = undefined;
  }

  /** Of what still gathers, those wait whose predecessor does not any more. */
  #setAside(): void {
    let blocked = false;
    for (const { call } of this.#gathering) {
      if (!isBlocked(call)) continue;
      call.known().gathered = false;
      blocked = true;
    }
    if (blocked) this.#gathering = this.#gathering.filter(({ call }) => call.rare?.gathered);
  }

  async #run(entries: readonly Entry[]): Promise<void> {
    const { slots, handle } = this.#rules;
    slots.take();
    const room = new Room(entries.length, slots);
    const failed = new Map<ReceivedMessage, unknown>();
    const known = new Set<ReceivedMessage>();
    for (const { call, message, waiting } of entries) {
      known.add(message);
      call.known().inCompany = entries.length > 1;
      call.company = room;
      if (waiting !== undefined) call.changeRests(-1);
    }
    let whole: { readonly error: unknown } | undefined;
    try {
      enterHandler();
      let result: ReturnType<BatchHandler>;
      try {
        result = handle([...known], this.#batch(known, failed));
      } finally {
        leaveHandler();
      }
      await result;
    } catch (error) {
      whole = { error };
    }
    this.#tell(entries, { failed, whole }, room);
    room.leave();
    this.#go();
  }

  #batch(known: ReadonlySet<ReceivedMessage>, failed: Map<ReceivedMessage, unknown>): Batch {
    return {
      fail: (message, error) => {
        if (!known.has(message))
          throw new MillraceError(`handler ${JSON.stringify(this.#rules.name)} failed a message that is not of its batch`, { code: "NOT_IN_BATCH" });
        if (!failed.has(message)) failed.set(message, error);
      },
    };
  }

  /** Tells each how it went. What comes after a failed one of its line goes back with it. */
  #tell(entries: readonly Entry[], { failed, whole }: Outcome, room: Room): void {
    for (const entry of entries) {
      const { call, message } = entry;
      if (call.company !== room) continue; // abandoned, or tried again by a middleware that gave up on it
      call.company = undefined;
      const failure = failed.has(message) ? { error: failed.get(message) } : whole;
      if ((whole === undefined || failed.has(message)) && !call.concluded) call.known().inCompany = false;
      if (call.overtaken) this.#fail(entry, Call.handedBack());
      else if (failure !== undefined) {
        overtakeBehind(call);
        this.#fail(entry, failure.error);
      } else if (entry.waiting !== undefined) entry.waiting.resolve(undefined);
      else void this.#rules.judge.succeed(call);
    }
  }

  #fail({ call, waiting }: Entry, error: unknown): void {
    if (waiting !== undefined) waiting.reject(error);
    else void this.#rules.judge.fail(call, error);
  }
}

function leaveCompany(call: Call): void {
  const { company } = call;
  call.company = undefined;
  company?.onCallOver();
}

/** One before it is neither settled nor in the same batch. */
function isBlocked({ before }: Call): boolean {
  return before !== undefined && before.rare?.gathered !== true;
}

/** The slot of a batch: given back when its handler has ended, or when all its calls are over: abandoned, then. */
class Room implements Company {
  #left: number;
  readonly #slots: Slots;
  #given = false;

  constructor(count: number, slots: Slots) {
    this.#left = count;
    this.#slots = slots;
  }

  onCallOver(): void {
    this.#left--;
    if (this.#left === 0) this.leave();
  }

  leave(): void {
    if (this.#given) return;
    this.#given = true;
    this.#slots.give();
  }
}
