import type { NackOptions } from "millrace";
import type { HandlerPlan } from "../plan/program.ts";
import { checkCall } from "./check-call.ts";
import { checkHandling } from "./check-handling.ts";
import { dueAfterNack } from "./due-after-nack.ts";
import { type Failure, failureOf } from "./failure-of.ts";
import { laneRule } from "./lane-rule.ts";
import type { Ledger } from "./ledger.ts";
import { Member } from "./member.ts";
import { Call, Handling, type Publication, Track } from "./records.ts";

/** Everything that happens in the group of one handler, and what follows from it. */
export class GroupBook {
  readonly name: string;
  readonly plan: HandlerPlan;
  readonly ledger: Ledger;
  readonly members: readonly Member[];
  readonly tracks: Map<string, Track> = new Map();
  readonly lanes: Map<string, Track[]> = new Map();
  /** A subscription broke in a way that may repeat whatever was in hand. */
  mayRepeat = false;
  /** When something was last given back to the broker by a pause or an end. */
  gaveBackAt = -1;
  /** Somebody subscribed or provisioned. */
  seen: boolean;
  readonly #laneOf: (publication: Publication) => string | undefined;
  /** Handlings whose results are not confirmed yet. */
  readonly #awaiting: Set<Handling> = new Set();

  constructor(ledger: Ledger, name: string, plan: HandlerPlan) {
    this.ledger = ledger;
    this.name = name;
    this.plan = plan;
    this.seen = plan.unprovisioned !== true;
    this.#laneOf = laneRule(plan, ledger.program);
    this.members = Array.from({ length: ledger.program.members ?? 1 }, () => new Member());
  }

  get producing(): boolean {
    return this.plan.kind === "producing";
  }

  has(use: string): boolean {
    return this.plan.middleware?.some((layer) => layer.use === use) === true;
  }

  add(publication: Publication, byProgram: boolean): void {
    const known = this.tracks.get(publication.text);
    if (known !== undefined) {
      known.mayRepeat = true;
      known.copies++;
      return;
    }
    const lane = this.#laneOf(publication);
    const track = new Track(publication, lane, byProgram && !this.seen);
    this.tracks.set(publication.text, track);
    if (lane === undefined) return;
    const others = this.lanes.get(lane);
    if (others === undefined) this.lanes.set(lane, [track]);
    else others.push(track);
  }

  /** The publish failed after all: it is not there. */
  remove(text: string): void {
    const track = this.tracks.get(text);
    if (track === undefined) return;
    this.tracks.delete(text);
    const lane = track.lane === undefined ? undefined : this.lanes.get(track.lane);
    lane?.splice(lane.indexOf(track), 1);
  }

  begin(member: number, text: string, attempt: number): Handling | undefined {
    const track = this.tracks.get(text);
    if (track === undefined) return undefined;
    const handling = new Handling(track, member, attempt, this.ledger.now);
    this.ledger.note(`${this.#who(member)} is given ${text}, attempt ${attempt}`);
    checkHandling(this, handling);
    track.dueAt = 0;
    track.handlings.push(handling);
    return handling;
  }

  /** The innermost handler is called, within the handling that is named, else within the last one of each message. */
  call(member: number, texts: readonly string[], within?: Handling): Call {
    const { ledger } = this;
    const tracks = texts.flatMap((text) => this.tracks.get(text) ?? []);
    const call = new Call(member, tracks, ledger.now);
    call.leftBehind = within === undefined ? tracks.length > 0 && tracks.every((track) => track.open(member)?.leftBehind) : within.leftBehind;
    ledger.note(`${this.#who(member)} is called with ${texts.join(" ")}`);
    if (call.leftBehind) ledger.count();
    else checkCall(this, call);
    ledger.enter();
    this.members[member]?.running.add(call);
    for (const track of tracks) {
      track.calls.push(call);
      (within ?? track.open(member))?.calls.push(call);
    }
    return call;
  }

  endCall(call: Call, how: string): void {
    if (call.endedAt !== undefined) return;
    call.endedAt = this.ledger.now;
    this.members[call.member]?.running.delete(call);
    for (const track of call.bad) track.failed = true;
    this.ledger.note(`${this.#who(call.member)} ${how} ${call.tracks.map(({ text }) => text).join(" ")}`);
    this.ledger.leave();
  }

  /** The whole middleware has returned. */
  returned(handling: Handling, produced: readonly string[]): void {
    handling.endedAt = this.ledger.now;
    handling.produced = produced;
    if (handling.lost) this.ledger.note(`${this.name}: ${handling.track.text} had been taken away`);
    this.#conclude(handling);
  }

  /** The whole middleware has failed. */
  threw(handling: Handling, error: unknown): void {
    handling.endedAt = this.ledger.now;
    handling.threw = true;
    if (this.#goesBack(handling)) {
      handling.track.earned++; // counted or not: it goes back in any case, and is due with that one
      return;
    }
    this.ledger.note(`${this.#who(handling.member)} failed ${handling.track.text}: ${error instanceof Error ? error.message : String(error)}`);
    this.#fail(handling, failureOf(this, handling, error));
  }

  acked(track: Track, member: number): void {
    const handling = track.open(member);
    if (handling !== undefined && !handling.acked) handling.ackedTurn = this.ledger.turn();
    this.done(track, "acked by its handler");
  }

  nacked(track: Track, member: number, call: Call, options: NackOptions | undefined, held: boolean): void {
    this.ledger.note(`${this.#who(member)} nacks ${track.text}${held ? "" : ", refused"}`);
    call.nacked.add(track);
    const handling = track.handlings.find(({ calls }) => calls.includes(call));
    if (!held || handling === undefined || handling.nacked) return;
    track.mayRepeat = true;
    handling.nacked = true;
    const { dueAt, dueBy } = dueAfterNack(this, handling, options);
    track.dueAt = dueAt;
    if (options?.uncounted !== true) this.#countNack(track, member);
    if (handling.endedAt !== undefined) return; // its middleware had given it up
    track.failed = true;
    track.dueBy = dueBy;
  }

  #countNack(track: Track, member: number): void {
    track.earned++;
    const own = this.members[member];
    if (own !== undefined) own.failures++;
  }

  confirmed(): void {
    for (const handling of [...this.#awaiting]) this.#conclude(handling);
  }

  /** Results could not be published: the handling has failed. */
  publishFailed(texts: ReadonlySet<string>, permanent: boolean): void {
    for (const handling of [...this.#awaiting]) {
      if (!handling.produced.some((text) => texts.has(text))) continue;
      this.#awaiting.delete(handling);
      const { lost, acked, nacked } = handling;
      handling.failedAt = this.ledger.now;
      if (this.#goesBack(handling)) {
        handling.track.earned++;
        continue;
      }
      if (!lost && !acked && !nacked) this.#fail(handling, failureOf(this, handling, undefined, permanent));
    }
  }

  buried(track: Track, how: string): void {
    this.done(track, how);
  }

  done(track: Track, how: string): void {
    track.times++;
    if (track.doneAt !== undefined) return;
    track.doneAt = this.ledger.now;
    track.how = how;
    this.ledger.activity++;
    this.ledger.note(`${this.name}: ${track.text} is done (${how})`);
  }

  /** The broker took these away. */
  lost(texts: readonly string[]): void {
    const { now } = this.ledger;
    for (const text of texts) {
      const track = this.tracks.get(text);
      if (track === undefined) continue;
      track.lost++;
      track.wentBackTurn = this.ledger.turn();
      track.lostAt = now;
      track.againAt = Infinity;
      track.dueAt = 0;
      for (const handling of track.handlings) {
        if (!this.#inHand(handling)) continue;
        handling.lostAt ??= now;
        if (handling.acked || handling.nacked) continue; // it had a verdict: nobody tells its call
        for (const call of handling.calls) if (call.endedAt === undefined) call.abortedAt ??= now;
      }
    }
  }

  /** A close or a stop of this member has ended that began then. */
  onEnd(member: number, began: number, timeoutMs: number): void {
    const { now } = this.ledger;
    const deadline = began + timeoutMs - 1;
    this.gaveBackAt = now;
    const early = this.members[member]?.end(now, deadline);
    if (early !== undefined) {
      this.ledger.complain("endEarly", `${this.name} has ended while its call for ${early.tracks.map(({ text }) => text).join("+")} still runs`);
    }
    for (const track of this.tracks.values()) {
      // What was in hand at the deadline was given back then, whatever became of it.
      if (now >= deadline && (track.doneAt ?? Infinity) >= deadline) track.mayRepeat = true;
      for (const handling of track.handlings) {
        if (now >= deadline && handling.member === member && handling.calls.some(({ endedAt }) => endedAt === undefined)) track.dueAt = 0; // see `wasGivenUp`
        if (handling.member !== member || !this.#inHand(handling)) continue;
        track.mayRepeat = true;
        handling.lostAt ??= now;
        handling.leftBehind = true;
      }
    }
  }

  /** A call that counts: it has not ended, was not abandoned, and its member did not leave it behind. */
  counts(call: Call): boolean {
    if (call.leftBehind) return false;
    return call.abortedAt === undefined || this.ledger.now < call.abortedAt + (this.plan.abandonAfterMs ?? 1000) - 1;
  }

  /** With a pipeline: an earlier one of its lane has failed, and it goes back with that one, whatever becomes of its own results. */
  #goesBack({ track, member }: Handling): boolean {
    const { pipeline = 0, concurrency = 1 } = this.plan;
    if (pipeline === 0) return false;
    for (const earlier of this.tracks.values()) {
      if (earlier === track) return false;
      const together = concurrency === 1 || (earlier.lane !== undefined && earlier.lane === track.lane);
      const last = earlier.handlings.at(-1);
      if (!together || earlier.doneAt !== undefined || last?.member !== member || last.failedAt === undefined) continue;
      if (earlier.lost === 0 || earlier.lostAt < last.failedAt) return true;
    }
    return false;
  }

  /** Its call, or the publishing of its results, is not over. */
  #inHand(handling: Handling): boolean {
    return handling.endedAt === undefined || this.#awaiting.has(handling);
  }

  #fail(handling: Handling, failure: Failure | undefined): void {
    if (failure === undefined) return;
    const { track } = handling;
    handling.failedAt = this.ledger.now;
    track.wentBackTurn = this.ledger.turn();
    track.failed = true;
    track.earned++;
    const own = this.members[handling.member];
    if (own !== undefined) own.failures++;
    track.permanent ||= failure.permanent;
    track.dueAt = failure.dueAt;
    track.dueBy = failure.dueBy;
  }

  #conclude(handling: Handling): void {
    const { track } = handling;
    this.#awaiting.delete(handling);
    if (this.producing && !handling.produced.every((text) => this.ledger.isConfirmed(text))) this.#awaiting.add(handling);
    else if (handling.calls.some((call) => call.nacked.has(track) || call.takenBack.has(track))) return;
    else if (this.#justified(handling)) this.done(track, handling.poisoned ? "poisoned" : "handled");
    else if (this.has("deduplicator")) this.#awaiting.add(handling); // perhaps what it repeats is not confirmed yet
  }

  /** Something has been done for the message, or for one that it repeats. */
  #justified({ track, calls, poisoned }: Handling): boolean {
    if (poisoned || track.doneAt !== undefined || calls.some((call) => call.good(track))) return true;
    if (this.has("ignoreErrors") && calls.some((call) => call.ignorable.has(track))) return true;
    if (!this.has("deduplicator")) return false;
    const { id } = track.publication;
    if (id === "") return track.calls.some((call) => this.#didWell(call, track));
    const same = [...this.tracks.values()].filter((other) => other.publication.id === id);
    return same.some((other) => other.doneAt !== undefined || other.calls.some((call) => this.#didWell(call, other)));
  }

  #didWell(call: Call, track: Track): boolean {
    return call.good(track) && (!this.producing || call.made.every((text) => this.ledger.isConfirmed(text)));
  }

  #who(member: number): string {
    return this.members.length === 1 ? this.name : `${this.name} of member ${member}`;
  }
}
