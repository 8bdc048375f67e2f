import type { MaybePromise } from "../../message/index.ts";
import type { Settlement } from "../source.ts";
import type { Holdings } from "./holdings.ts";
import { OnceTimer } from "./once-timer.ts";
import type { PullAnswered, PullEntry } from "./pull-target.ts";

/** Makes verdicts durable; answers what was another's already. */
type Settle<Entry> = (verdicts: readonly Settlement<Entry>[], final: boolean) => PullAnswered<Entry>;

const RETRY_MS = 250;

/** Tells a link the verdicts, those on what nobody could decode along with the others; one batch at a time. */
export class Settling<Entry extends PullEntry> {
  readonly #holdings: Holdings<Entry>;
  readonly #tell: Settle<Entry>;
  #running: Promise<void> | undefined;
  #stopped = false;
  readonly #again: OnceTimer = new OnceTimer();

  constructor(holdings: Holdings<Entry>, tell: Settle<Entry>) {
    this.#holdings = holdings;
    this.#tell = tell;
  }

  settle(verdicts: readonly Settlement<Entry>[], final: boolean): MaybePromise<void> {
    if (this.#running !== undefined) return this.#running.then(() => this.settle(verdicts, final));
    const holdings = this.#holdings;
    const { passed } = holdings;
    holdings.passed = [];
    const onDone = (lost: readonly Entry[] | undefined): void => {
      if (lost !== undefined) holdings.lose(lost);
      for (const { kind, message } of ours) if (kind !== "kept") holdings.leases.drop(message.receipt);
    };
    const onError = (error: unknown): never => {
      holdings.passed = [...passed, ...holdings.passed];
      throw error;
    };
    const all = passed.length === 0 ? verdicts : [...passed, ...verdicts];
    const ours = all.every(isOurs) ? all : all.filter(isOurs);
    if (ours.length === 0 && !final) return;
    let answer: PullAnswered<Entry>;
    try {
      answer = this.#tell(ours, final);
    } catch (error) {
      return onError(error);
    }
    if (!(answer instanceof Promise)) {
      onDone(answer);
      return;
    }
    const done = answer.then(onDone, onError);
    this.#running = done.then(
      () => this.#ended(0),
      () => this.#ended(RETRY_MS),
    );
    return done;
  }

  /** Our own verdicts, if there are any, unless they go with others. */
  goOn(): void {
    if (this.#stopped || this.#holdings.passed.length === 0 || this.#running !== undefined) return;
    try {
      const answer = this.settle([], false);
      if (answer instanceof Promise) answer.catch(() => {}); // it is tried again
    } catch {
      this.#ended(RETRY_MS);
    }
  }

  async settleLast(): Promise<void> {
    await this.#running;
    this.stop();
    if (this.#holdings.passed.length === 0) return;
    try {
      await this.settle([], true);
    } catch {
      // They come again.
    }
    this.stop();
  }

  /** What is still to be told is the next link's affair. */
  stop(): void {
    this.#stopped = true;
    this.#again.stop();
  }

  #ended(waitMs: number): void {
    this.#running = undefined;
    if (!this.#stopped && this.#holdings.passed.length > 0) this.#again.start(waitMs, () => this.goOn());
  }
}

function isOurs({ message }: Settlement<PullEntry>): boolean {
  return message.receipt.lot !== undefined;
}
