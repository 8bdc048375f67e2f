import { MillraceError } from "../../errors/index.ts";
import { Ring } from "../../internal/ring.ts";
import { monotonicMs } from "../../internal/timers.ts";
import { Received } from "../received.ts";
import type { Intake, Settlement, UndecodableRecord } from "../source.ts";
import { Hindrance } from "./hindrance.ts";
import { Leases } from "./leases.ts";
import type { PullEntry } from "./pull-target.ts";
import { Undecodables } from "./undecodables.ts";

/** What goes back: to be told while the broker still lends it to us. */
interface Owed<Entry> {
  readonly message: Received<Entry>;
  readonly untilMs: number;
}

/** What a link does for the entries that are ours. */
export interface Keeper<Entry> {
  renew(entries: readonly Entry[]): Promise<readonly Entry[]>;
  /** There may be verdicts of our own to be told, and more room. */
  goOn(): void;
}

/** What is asked of a `PullTarget` here. */
export interface HoldingsTarget<Entry> {
  readonly lease?: { readonly ms: number } | undefined;
  onLost?(entries: readonly Entry[]): void;
  raw(entry: Entry): Omit<UndecodableRecord, "error">;
}

const EMPTY = new Uint8Array(0);
/** Beyond so many that cannot be decoded, and that nobody has a record of, nothing more comes. */
const MOST_UNDECODABLE = 1_000;
/** How long a queue keeps what nobody can decode out of the way. */
const ASIDE_MS = 60_000;

/** All that is ours of a broker's entries, from one link to the next. */
export class Holdings<Entry extends PullEntry> {
  readonly leases: Leases<Entry>;
  /** What came beyond what was wanted. */
  readonly surplus: Ring<Entry> = new Ring();
  readonly undecodables: Undecodables<Entry>;
  readonly hindrance: Hindrance = new Hindrance((detail) => this.#intake?.blocked(detail));
  /** Verdicts on what nobody could decode. */
  passed: Settlement<Entry>[] = [];
  keeper: Keeper<Entry> | undefined;
  readonly #target: HoldingsTarget<Entry>;
  readonly #returnsUndecodable: boolean;
  #owed: Owed<Entry>[] = [];
  #stopped = false;
  #intake: Intake<Entry> | undefined;

  constructor(target: HoldingsTarget<Entry>, returnsUndecodable: boolean) {
    this.#target = target;
    this.#returnsUndecodable = returnsUndecodable;
    this.leases = new Leases(target.lease?.ms ?? Infinity, {
      renew: (entries) => this.keeper?.renew(entries),
      onExpired: (entries) => {
        this.hindrance.leases(undefined); // there is nothing left to be renewed
        this.lose(entries);
      },
      onRenewed: (lost) => {
        this.hindrance.leases(undefined);
        this.lose(lost);
      },
      onTrouble: (error) => this.hindrance.leases(`leases cannot be renewed: ${textOf(error)}`),
    });
    this.undecodables = new Undecodables({
      tell: async (entry, error, again) => await (this.#intake as Intake<Entry>).undecodable({ ...target.raw(entry), error }, again),
      isOurs: (entry) => this.leases.holds(entry),
      onPassed: (entry, taken) => this.#pass(unread(entry), taken),
      onGone: () => this.keeper?.goOn(),
      onTrouble: (detail) => this.hindrance.entry(detail),
      positionOf: (entry) => positionOf(() => target.raw(entry).position),
    });
  }

  /** Another session's way in. */
  connect(intake: Intake<Entry>): void {
    this.#intake = intake;
  }

  /** Ours from now on, unless it was too long on its way. */
  add(entries: readonly Entry[], sinceMs: number): void {
    if (entries.length === 0) return;
    if (this.#stopped) {
      this.#target.onLost?.(entries);
      return;
    }
    if (!this.leases.add(entries, sinceMs)) {
      this.hindrance.leases(`messages came too late, their lease of ${this.#target.lease?.ms} ms was over`);
      this.#target.onLost?.(entries);
      return;
    }
    this.hindrance.leases(undefined);
    for (const entry of entries) this.surplus.push(entry);
  }

  /** May be another's now. */
  lose(entries: readonly Entry[]): void {
    const gone = new Set(entries.filter((entry) => this.leases.drop(entry)));
    if (gone.size === 0) return;
    this.#target.onLost?.([...gone]);
    this.surplus.takeOut((entry) => gone.has(entry));
    this.#intake?.lose(({ receipt }) => gone.has(receipt));
  }

  /** Not ours any more, but the broker does not know yet. */
  owe(message: Received<Entry>): void {
    const { lot } = message.receipt;
    if (this.leases.drop(message.receipt)) this.#owed.push({ message, untilMs: lot?.untilMs ?? 0 });
  }

  /** What came beyond what was wanted goes back. */
  oweSurplus(): void {
    while (this.surplus.size > 0) this.owe(unread(this.surplus.shift() as Entry));
  }

  /** What nobody could decode, and nobody has a record of, goes back. */
  oweUndecodable(): void {
    for (const entry of this.undecodables.stop()) this.owe(unread(entry));
  }

  get owes(): boolean {
    return this.#owed.length > 0;
  }

  /** Nothing is to be asked for now: what goes back comes first, or too much cannot be decoded. */
  get full(): boolean {
    return this.owes || this.undecodables.size > MOST_UNDECODABLE;
  }

  /** What the broker is to be told of now; what it may have given to another is forgotten. */
  owed(): readonly Received<Entry>[] {
    const now = monotonicMs();
    const late = this.#owed.filter(({ untilMs }) => untilMs <= now);
    if (late.length > 0) {
      this.#owed = this.#owed.filter((each) => !late.includes(each));
      this.#target.onLost?.(late.map(({ message }) => message.receipt));
    }
    return this.#owed.map(({ message }) => message);
  }

  /** The broker knows of these. */
  paid(messages: readonly Received<Entry>[]): void {
    const paid = new Set(messages);
    this.#owed = this.#owed.filter(({ message }) => !paid.has(message));
  }

  /** Nothing is ours any more. */
  stop(): void {
    this.#stopped = true;
    this.undecodables.stop();
    this.leases.stop();
    this.surplus.clear();
    this.passed = [];
    this.#owed = [];
  }

  #pass(message: Received<Entry>, taken: boolean): void {
    this.passed.push(taken || !this.#returnsUndecodable ? { kind: "ack", message } : { kind: "return", message, delayMs: ASIDE_MS });
  }
}

/** Stands for an entry of which there is no message. */
function unread<Entry>(entry: Entry): Received<Entry> {
  return new Received<Entry>({ source: { id: "" }, key: undefined, payload: EMPTY, metadata: undefined }, entry);
}

/** Of an entry that is so broken that the adapter cannot even say where it stands. */
function positionOf(read: () => string): string {
  try {
    return read();
  } catch {
    return "unknown";
  }
}

function textOf(error: unknown): string {
  return MillraceError.is(error) ? `${error.code}: ${error.message}` : error instanceof Error ? error.message : String(error);
}
