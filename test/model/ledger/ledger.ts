import type { Program } from "../plan/program.ts";
import type { GroupBook } from "./group-book.ts";
import type { Publication } from "./records.ts";
import type { RelayBook } from "./relay-book.ts";
import type { Rule, Violation } from "./violation.ts";

/** No program has so many in a moment, or in all. */
const MOST_AT_ONCE = 500;
const MOST_CALLS = 20_000;

/** What is known about one run of a program: every publication, every call, and what was broken. */
export class Ledger {
  readonly program: Program;
  readonly books: Map<string, GroupBook> = new Map();
  readonly relays: Map<string, RelayBook> = new Map();
  readonly publications: Map<string, Publication> = new Map();
  readonly violations: Violation[] = [];
  readonly lines: string[] = [];
  /** Where results were stored, in order. */
  readonly outputs: string[] = [];
  /** Rises with everything that gets done. */
  activity = 0;
  /** Counts results, so that each has a text of its own. */
  results = 0;
  /** Counts what must be told apart within one moment. */
  #turns = 0;
  /** It goes round and round: nothing is to be learned any more. */
  dead = false;
  readonly #clock: () => number;
  readonly #confirmed: Set<string> = new Set();
  readonly #attempted: Set<string> = new Set();
  #calls = 0;
  #atOnce = 0;
  #moment = -1;
  #busy = 0;
  #busyUntil = 0;

  constructor(program: Program, clock: () => number) {
    this.program = program;
    this.#clock = clock;
  }

  /** Milliseconds since the program began. */
  get now(): number {
    return this.#clock();
  }

  get busy(): boolean {
    return this.#busy > 0;
  }

  /** When somebody last was at work on something: a call, a publish, a slow layer. */
  get busyUntil(): number {
    return this.#busy > 0 ? this.now : this.#busyUntil;
  }

  /** Later than all that were taken before. */
  turn(): number {
    return ++this.#turns;
  }

  note(text: string): void {
    if (this.lines.length < 2000) this.lines.push(`${String(Math.round(this.now)).padStart(7)} ${text}`);
  }

  /** Each rule once: what follows from a fault is no other fault. */
  complain(rule: Rule, text: string): void {
    this.note(`!! ${rule}: ${text}`);
    if (!this.violations.some((known) => known.rule === rule)) this.violations.push({ rule, text, at: Math.round(this.now) });
  }

  /** Another call, of the middleware or of the handler. */
  count(): void {
    const now = Math.floor(this.now);
    this.#atOnce = now === this.#moment ? this.#atOnce + 1 : 1;
    this.#moment = now;
    this.#calls++;
    if (this.dead || (this.#atOnce <= MOST_AT_ONCE + 4 * this.publications.size && this.#calls < MOST_CALLS)) return;
    this.complain("hotLoop", `${this.#atOnce} calls in a moment, ${this.#calls} in all, and no end`);
    this.dead = true;
  }

  enter(): void {
    this.#busy++;
    this.activity++;
  }

  leave(): void {
    this.#busy--;
    this.activity++;
    this.#busyUntil = this.now;
  }

  /** A message is in the broker now, or is about to be: delivering may come before the publish is told. */
  stored(publication: Publication, byProgram: boolean): void {
    this.publications.set(publication.text, publication);
    for (const book of this.books.values()) if ((book.plan.from ?? "t0") === publication.topic) book.add(publication, byProgram);
    for (const relay of this.relays.values()) relay.add(publication);
  }

  removed(text: string): void {
    this.publications.delete(text);
    for (const book of this.books.values()) book.remove(text);
    for (const relay of this.relays.values()) relay.passed.delete(text);
  }

  isConfirmed(text: string): boolean {
    return this.#confirmed.has(text);
  }

  wasAttempted(text: string): boolean {
    return this.#attempted.has(text);
  }

  attempted(texts: readonly string[]): void {
    for (const text of texts) this.#attempted.add(text);
  }

  confirmed(texts: readonly string[]): void {
    for (const text of texts) this.#confirmed.add(text);
    for (const book of this.books.values()) book.confirmed();
  }

  publishFailed(texts: readonly string[], permanent: boolean): void {
    const failed = new Set(texts.filter((text) => !this.#confirmed.has(text)));
    for (const book of this.books.values()) book.publishFailed(failed, permanent);
  }

  lost(group: string, texts: readonly string[]): void {
    this.note(`the broker takes ${texts.join(" ")} away from ${group}`);
    this.books.get(group)?.lost(texts);
    this.relays.get(group)?.lost();
  }

  /** The broker hands out again what it took away. */
  again(group: string, text: string): void {
    const track = this.books.get(group)?.tracks.get(text);
    if (track !== undefined && track.lost > 0) track.againAt = Math.min(track.againAt, this.now);
  }
}
