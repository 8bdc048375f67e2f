import { type Deferred, deferred } from "../../internal/deferred.ts";
import { coarseMs } from "../../internal/slice.ts";
import { laterTurn, monotonicMs, sleep } from "../../internal/timers.ts";
import { handedBack } from "../../message/handed-back.ts";
import { type BriefMessage, type InHand, inHandOf, type Taker } from "../../message/in-hand.ts";
import type { ReceivedMessage } from "../../message/index.ts";
import type { Observers, Outcome } from "../observers.ts";
import { Call } from "./call.ts";
import type { Origin } from "./company.ts";
import type { Counts, DeskRules } from "./desk-rules.ts";
import { Failing } from "./failing.ts";
import { ForeignMessage } from "./foreign-message.ts";
import { Lines } from "./lines.ts";
import { LostCalls } from "./lost-calls.ts";
import { Slots } from "./slots.ts";

/** All calls of one handler, through all its runs: a call can outlive the run that began it, and holds its slot until it has ended. */
export class Desk {
  readonly taker: Taker;
  readonly abandonAfterMs: number;
  readonly slots: Slots;
  readonly lines: Lines;
  readonly lost: LostCalls = new LostCalls();
  readonly failing: Failing = new Failing();
  readonly counts: Counts = { handled: 0, failed: 0, retried: 0, deadLettered: 0, undecodable: 0, abandoned: 0, reconnected: 0 };
  lastError: Error | undefined;
  /** Told when what fails may have changed; only where somebody observes. */
  onState: () => void = () => {};
  /** When a message was last taken in hand; 0 for never. */
  lastMessageMs = 0;
  /** Messages taken in hand so far. */
  taken = 0;
  readonly #rules: DeskRules;
  // Of the rules what is asked for every message.
  readonly #inLines: boolean;
  readonly #slotEach: boolean;
  readonly #observers: Observers;
  /** Those that did not end at once; each knows its place, and behind the last one there may be room. */
  readonly #calls: (Call | undefined)[] = [];
  #kept = 0;
  readonly #resting: Set<AbortController> = new Set();
  #draining: Error | undefined;
  #open = 0;
  /** The place in the order of the message that was taken without a call; 0 for none. At most one is, while its handler runs. */
  #brief = 0;
  #made: Call | undefined;
  /** Messages have come that are not ours. */
  #foreign = false;
  #watching = false;
  #calm: Deferred<void> | undefined;

  constructor(rules: DeskRules) {
    this.#rules = rules;
    this.#inLines = rules.inLines;
    this.#slotEach = rules.slotEach;
    this.#observers = rules.observers;
    this.taker = { handler: rules.identity.handler, publishTopic: rules.publishTopic, subscriber: rules.subscriber };
    this.abandonAfterMs = rules.abandonAfterMs;
    this.slots = new Slots(rules.concurrency);
    this.lines = new Lines(rules.inLines);
  }

  /** Calls that are not over. */
  get running(): number {
    return this.#open;
  }

  /** Several calls may run at a time. */
  get concurrent(): boolean {
    return this.#rules.concurrency > 1 || this.#inLines;
  }

  /** A call begins only when none is before it in its line; else whoever handles it sees to the order. */
  get waitsInLine(): boolean {
    return !this.#inLines;
  }

  /** The message has to be looked at before it is handled: see `admit`. */
  mustLookAt(call: Call): boolean {
    if (this.lost.any || this.failing.any || (this.lines.any && !this.#inLines)) return true;
    return this.#foreign && call.message instanceof ForeignMessage && call.message.mayBeLost;
  }

  /** Takes a message in hand. */
  open(given: ReceivedMessage, origin: Origin): Call {
    const own = inHandOf(given);
    const call = own === undefined ? this.#openForeign(given, origin) : this.#begin(given, own, origin);
    if (this.#inLines || own === undefined || this.lines.any) this.keepOrderBehind(call);
    if (call.inHand.verdict !== undefined) this.#begunLate(call);
    return call;
  }

  /** It may have been lost on its way here. */
  #begunLate(call: Call): void {
    if (call.inHand.verdict === "lost") call.onVerdict("lost", call.message.signal.reason);
  }

  #openForeign(given: ReceivedMessage, origin: Origin): Call {
    this.#foreign = true;
    const view = new ForeignMessage(given);
    return this.#begin(view, view, origin);
  }

  #take(): void {
    this.#open++;
    this.taken++;
    this.lastMessageMs = coarseMs();
    if (this.#slotEach) this.slots.take();
  }

  /** Nothing is remembered, and nobody looks on: a message whose handler ends at once needs no call. */
  get takesBriefly(): boolean {
    return this.#brief === 0 && !this.lost.any && !this.failing.any && !this.lines.any && !this.#inLines && !this.#observers.any;
  }

  /** Takes a message in hand without a call; it gets one as soon as somebody asks for it. */
  openBriefly(message: BriefMessage, taker: Taker): void {
    this.#take();
    this.#brief = this.taken;
    message.begin(undefined, taker);
  }

  /** The call of the message that was taken without one; its handler runs. */
  makeCall(message: BriefMessage, origin: Origin): Call {
    const call = new Call(this, message, message, { origin, order: this.#brief, holdsSlot: this.#slotEach });
    call.begun = true;
    call.entering = true;
    this.#made = call;
    return call;
  }

  /** Somebody has asked for the call of the message that was taken without one. */
  get hasMadeCall(): boolean {
    return this.#made !== undefined;
  }

  /** The handler of that message has returned, and it goes on with a call. */
  callOfBrief(message: BriefMessage): Call {
    const call = this.#made ?? (message.call as Call);
    this.#made = undefined;
    this.#brief = 0;
    return call;
  }

  #begin(message: ReceivedMessage, inHand: InHand, origin: Origin): Call {
    this.#take();
    const call = new Call(this, message, inHand, { origin, order: this.taken, holdsSlot: this.#slotEach });
    if (this.#observers.any) call.known().beganMs = monotonicMs();
    inHand.begin(call, this.taker);
    return call;
  }

  /** Remembers those that are not over at once, so that an ending run can reach them. */
  keep(call: Call): void {
    if (call.over) return;
    if (this.#foreign && !this.#watching) this.#watchLater();
    call.place = this.#kept;
    this.#calls[this.#kept++] = call;
  }

  /** Foreign messages tell nothing by themselves: those whose calls last are watched from the next turn of the event loop on. */
  #watchLater(): void {
    this.#watching = true;
    laterTurn(() => {
      this.#watching = false;
      for (const { message } of this.#all) if (message instanceof ForeignMessage) message.watch();
    });
  }

  /** From now on what follows it in its line waits for it, whatever the broker thinks. */
  keepOrderBehind(call: Call): void {
    if (call.line !== undefined) return;
    const name = this.#rules.lineOf(call.message);
    if (name !== undefined) this.lines.enter(call, name);
  }

  onEnd(call: Call): void {
    if (call.place >= 0) this.#forget(call);
    this.#oneLess();
    call.giveSlot(); // the last step: it may bring the next message
  }

  /** A message that never had a call is done with. */
  endBriefly(): void {
    this.#brief = 0;
    this.#oneLess();
    if (this.#slotEach) this.slots.give();
  }

  #oneLess(): void {
    this.#open--;
    if (this.#open === 0 && this.#calm !== undefined) {
      this.#calm.resolve();
      this.#calm = undefined;
    }
  }

  #forget(call: Call): void {
    const last = this.#calls[--this.#kept] as Call;
    this.#calls[this.#kept] = undefined;
    if (last !== call) {
      this.#calls[call.place] = last;
      last.place = call.place;
    }
    call.place = -1;
  }

  get #all(): Call[] {
    return this.#calls.slice(0, this.#kept) as Call[];
  }

  /** See `DeskRules`. */
  orderOf(message: ReceivedMessage): string | undefined {
    return this.#rules.orderOf(message);
  }

  /** Resolves when no call is left. */
  get calm(): Promise<void> {
    if (this.#open === 0) return Promise.resolve();
    this.#calm ??= deferred();
    return this.#calm.promise;
  }

  /** What has not begun, or only waits, for a backoff or a turn, ends: those messages go back. */
  drain(): void {
    this.#draining = handedBack("the handler stops");
    this.handBack();
    for (const controller of [...this.#resting]) controller.abort(this.#draining);
  }

  /** What has not begun goes back. */
  handBack(): void {
    for (const call of this.#all) {
      if (!call.begun) call.goBack();
    }
  }

  get draining(): boolean {
    return this.#draining !== undefined;
  }

  /** Another run begins. */
  renew(): void {
    this.#draining = undefined;
    this.failing.renew();
  }

  /** The drain's deadline is over: whoever runs on is told, and has `abandonAfterMs` to end. */
  giveUp(reason: unknown): void {
    for (const call of this.#all) {
      if (call.begun) call.abandonLater();
      call.release(reason);
    }
  }

  /** Whoever rests is told when the handler stops; answers with how to leave. */
  rests(controller: AbortController): () => void {
    if (this.#draining !== undefined) controller.abort(this.#draining);
    this.#resting.add(controller);
    return () => void this.#resting.delete(controller);
  }

  /** Waits; ends at once when the handler stops. */
  async pause(ms: number): Promise<void> {
    const controller = new AbortController();
    const leave = this.rests(controller);
    try {
      await sleep(ms, controller.signal);
    } finally {
      leave();
    }
  }

  /** A message has begun or ceased to fail. */
  failingChanged(): void {
    if (this.#observers.any) this.onState();
  }

  /** Somebody observes. */
  get observes(): boolean {
    return this.#observers.any;
  }

  observed(call: Call, outcome: Outcome, error: unknown): void {
    if (!this.#observers.any) return;
    const beganMs = call.rare?.beganMs ?? 0;
    const durationMs = beganMs === 0 ? 0 : monotonicMs() - beganMs;
    this.#observers.handled({ by: this.#rules.identity, message: call.message, durationMs, outcome, ...(error === undefined ? {} : { error }) });
  }

  log(level: "info" | "warn" | "error", message: ReceivedMessage | undefined, fields: Record<string, unknown>, text: string): void {
    const { identity, topics, logger } = this.#rules;
    const { handler, group } = identity;
    const about = message === undefined ? { topic: topics } : { topic: message.delivery.topic, id: message.id, position: message.delivery.position };
    logger[level]({ handler, group, ...about, ...fields }, text);
  }
}
