import { monotonicMs, wallMs } from "../../internal/timers.ts";
import { FAILURE_DEFAULTS, type KnownPolicy } from "../failure-policy.ts";

/** A message that failed and will be tried again. */
interface Record {
  readonly attempts: number;
  /** It has no attempts left and no dead letter to go to, or can never succeed. */
  readonly exhausted: boolean;
  readonly dueMs: number;
  readonly untilMs: number;
  /** The run of the handler whose subscription was told when it is due. */
  toldInRun: number;
  /** See `comesAlone`. */
  readonly alone: boolean;
}

/** So long after it was due a message that has not come back is another member's. */
const GONE_MS = 5_000;
const NAMELESS_GONE_MS = 1000;
const MOST = 10_000;

/** What is failing now, for health, and when it is due: also for a message that was given back meanwhile, and for the handler's next run. */
export class Failing {
  readonly #known: Map<unknown, Record> = new Map();
  #run = 0;
  /** How many of them are tried for ever, and until when the last of those is waited for. */
  #exhausted = 0;
  #exhaustedUntilMs = 0;
  #sinceMs = 0;
  #cleanedMs = 0;
  /** Of the run that goes on. */
  policy: KnownPolicy = FAILURE_DEFAULTS;

  /** Something is: asked for every message. */
  any = false;

  /** The most attempts of a message that is failing now. */
  get attempts(): number {
    this.#clean();
    let most = 0;
    for (const { attempts } of this.#known.values()) if (attempts > most) most = attempts;
    return most;
  }

  /** Something is tried for ever, because it cannot be given up. */
  get exhausted(): boolean {
    this.#clean();
    return this.#exhausted > 0;
  }

  /** When `exhausted` became what it is, by the wall clock; 0 when it was never anything else. */
  get sinceMs(): number {
    this.#clean();
    return this.#sinceMs;
  }

  add(token: unknown, attempts: number, exhausted: boolean, delayMs: number, alone = false): void {
    const now = monotonicMs();
    const dueMs = now + delayMs;
    // Whether something failed for ever until now is not seen from what only waits to be forgotten.
    if (this.#known.size >= MOST || (this.#exhausted > 0 && this.#exhaustedUntilMs < now)) this.#clean();
    const was = this.#exhausted > 0;
    if (this.#known.size >= MOST) for (const oldest of this.#known.keys()) if (this.#drop(oldest)) break;
    // One that is known by its content only cannot be recognised when it comes from the broker: it is shown until then, and not much longer.
    this.any = true;
    const untilMs = dueMs + (typeof token === "string" ? GONE_MS : NAMELESS_GONE_MS);
    if (this.#known.get(token)?.exhausted) this.#exhausted--;
    this.#known.set(token ?? {}, { attempts, exhausted, dueMs, untilMs, toldInRun: this.#run, alone });
    if (exhausted) {
      this.#exhausted++;
      this.#exhaustedUntilMs = Math.max(this.#exhaustedUntilMs, untilMs);
    }
    if (was !== this.#exhausted > 0) this.#sinceMs = wallMs();
  }

  /** Another run of the handler begins, with subscriptions that know of nothing. */
  renew(): void {
    this.#run++;
  }

  /** It has come too early. True when this run's subscription was told before when it is due: it does not hold back what is delayed. */
  cameThoughTold(token: unknown): boolean {
    const record = this.#known.get(token);
    if (record === undefined || record.toldInRun === this.#run) return record !== undefined;
    record.toldInRun = this.#run;
    return false;
  }

  /** Milliseconds until the message is due; 0 or less when it is. */
  dueInMs(token: unknown): number {
    const now = monotonicMs();
    if (now - this.#cleanedMs >= NAMELESS_GONE_MS) this.#clean(); // or one that went to another member would be looked for for ever
    const record = this.#known.get(token);
    return record === undefined ? 0 : record.dueMs - now;
  }

  /** Its batch has failed as a whole; or it has no attempts left, and nobody else is to fail with it. */
  comesAlone(token: unknown, attempt: number): boolean {
    return this.#known.get(token)?.alone === true || attempt > this.policy.attempts;
  }

  forget(token: unknown): void {
    const was = this.#exhausted > 0;
    this.#drop(token);
    if (was && this.#exhausted === 0) this.#sinceMs = wallMs();
    this.any = this.#known.size > 0;
  }

  #drop(token: unknown): boolean {
    if (this.#known.get(token)?.exhausted && --this.#exhausted === 0) this.#exhaustedUntilMs = 0;
    return this.#known.delete(token);
  }

  #clean(): void {
    const now = monotonicMs();
    this.#cleanedMs = now;
    const was = this.#exhausted > 0;
    let lastMs = 0;
    for (const [token, { untilMs, exhausted }] of this.#known) {
      if (untilMs >= now) continue;
      if (exhausted) lastMs = Math.max(lastMs, untilMs);
      this.#drop(token);
    }
    if (was && this.#exhausted === 0) this.#sinceMs = wallMs() - (now - lastMs); // nobody has looked since
    this.any = this.#known.size > 0;
  }
}
