import { MillraceError } from "../errors/index.ts";
import type { Backoff } from "../internal/backoff.ts";
import type { Logger } from "../logger/index.ts";
import type { LiveIntake } from "./live-intake.ts";
import type { Session, Source } from "./source.ts";
import { whileBusy } from "./while-busy.ts";

export interface SupervisorHooks {
  /** An intake for one session; dead once the session is closed or has failed. */
  intake(onFail: (error: unknown) => void): LiveIntake;
  onUp(session: Session<unknown>): void;
  onDown(error: unknown): void;
  /** It cannot heal. */
  onFatal(error: unknown): void;
}

export interface SupervisorRules {
  readonly logger: Logger;
  readonly topic: string;
  readonly adapter: string;
  readonly reconnect: Backoff;
}

/** Keeps one session of a source open: opens it, opens another when it breaks, with capped and jittered backoff, for ever. */
export class Supervisor {
  readonly #source: Source<unknown>;
  readonly #hooks: SupervisorHooks;
  readonly #rules: SupervisorRules;
  readonly #stop: AbortController = new AbortController();
  #session: Session<unknown> | undefined;
  #kill: () => void = () => {};
  #reopening: Promise<void> | undefined;

  constructor(source: Source<unknown>, hooks: SupervisorHooks, rules: SupervisorRules) {
    this.#source = source;
    this.#hooks = hooks;
    this.#rules = rules;
  }

  get session(): Session<unknown> | undefined {
    return this.#session;
  }

  /** Opens the first session; its failure is the caller's to see, nothing is retried. Rejects at once when it is stopped meanwhile. */
  async start(): Promise<void> {
    const { signal } = this.#stop;
    let onAbort = (): void => {};
    const stopped = new Promise<never>((_resolve, reject) => {
      onAbort = () => reject(signal.reason);
    });
    signal.addEventListener("abort", onAbort, { once: true });
    const opening = this.#open();
    opening.catch(() => {}); // should it end after the stop: it has closed what it opened
    try {
      await Promise.race([opening, stopped]);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort(new MillraceError("the subscription is closed", { code: "CLOSED" }));
    await this.#reopening;
    const session = this.#session;
    this.#session = undefined;
    this.#kill();
    await this.#leave(session);
  }

  /** A session that cannot be closed properly is left as it is. */
  async #leave(session: Session<unknown> | undefined): Promise<void> {
    const { logger, topic, adapter } = this.#rules;
    try {
      await session?.close();
    } catch (error) {
      logger.warn({ topic, adapter, error }, "a session could not be closed properly");
    }
  }

  async #open(): Promise<void> {
    let broken: { readonly error: unknown } | undefined;
    let up = false;
    const intake = this.#hooks.intake((error) => {
      if (up) this.#onFail(error);
      else broken ??= { error };
    });
    let session: Session<unknown>;
    try {
      session = await this.#source.open(intake, this.#stop.signal);
    } catch (error) {
      intake.kill();
      throw error;
    }
    if (broken !== undefined || this.#stop.signal.aborted) {
      intake.kill();
      await this.#leave(session);
      throw broken === undefined ? this.#stop.signal.reason : broken.error;
    }
    up = true;
    this.#kill = () => intake.kill();
    this.#session = session;
    this.#hooks.onUp(session);
  }

  #onFail(error: unknown): void {
    const session = this.#session;
    if (session === undefined || this.#stop.signal.aborted) return;
    this.#session = undefined;
    this.#kill();
    this.#hooks.onDown(error);
    const { logger, topic, adapter } = this.#rules;
    logger.warn({ topic, adapter, error }, "subscription broken, reconnecting");
    const reopening = this.#reopen(session).finally(() => {
      if (this.#reopening === reopening) this.#reopening = undefined;
    });
    this.#reopening = reopening;
  }

  async #reopen(broken: Session<unknown>): Promise<void> {
    const { logger, topic, adapter, reconnect } = this.#rules;
    const { signal } = this.#stop;
    await this.#leave(broken);
    let attempt = 0;
    const open = (): Promise<void> => {
      attempt++;
      return this.#open();
    };
    try {
      await whileBusy(open, {
        ...reconnect,
        signal,
        failures: 1,
        isBusy: (error) => !signal.aborted && (!MillraceError.is(error) || error.retryable),
        onBusy: (error) => {
          this.#hooks.onDown(error);
          logger.warn({ topic, adapter, attempt, error }, "reconnecting failed, trying again");
        },
      });
      logger.info({ topic, adapter, attempt }, "subscription restored");
    } catch (error) {
      if (signal.aborted) return;
      this.#hooks.onFatal(error);
      this.#stop.abort(error); // the source need not look after anything any more
    }
  }
}
