const BRAND: unique symbol = Symbol.for("millrace.error") as never;
const PERMANENT: unique symbol = Symbol.for("millrace.permanent") as never;

export interface MillraceErrorOptions {
  /** UPPER_SNAKE, stable across releases, listed with its cure in docs/errors.md. */
  readonly code: string;
  /** Whether the same call may succeed when made again unchanged. Default false. */
  readonly retryable?: boolean | undefined;
  readonly cause?: unknown;
}

/**
 * The base of every error Millrace makes. Tell errors apart by `code`, never by text.
 *
 * `MillraceError.is(error)` recognises it by a registered symbol, so it works when two copies of the library are loaded,
 * where `instanceof` does not.
 */
export class MillraceError extends Error {
  readonly code: string;
  readonly retryable: boolean;

  constructor(message: string, options: MillraceErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code;
    this.retryable = options.retryable ?? false;
    Object.defineProperty(this, BRAND, { value: true });
  }

  static is(error: unknown): error is MillraceError {
    return typeof error === "object" && error !== null && (error as { [BRAND]?: boolean })[BRAND] === true;
  }
}

/** Bad options or arguments. Lists every bad one, not only the first. Code `BAD_OPTION` unless said otherwise. */
export class OptionError extends MillraceError {
  readonly problems: readonly string[];

  constructor(subject: string, problems: readonly string[], options: { readonly code?: string; readonly cause?: unknown } = {}) {
    super(`${subject}: ${problems.join("; ")}`, { code: options.code ?? "BAD_OPTION", cause: options.cause });
    this.problems = Object.freeze([...problems]);
  }
}

/**
 * Trying again cannot help: the message goes to the dead letter at once, without further attempts.
 * Throw it from a handler for a message that is broken for good.
 */
export class PermanentError extends MillraceError {
  constructor(message: string, options: Partial<MillraceErrorOptions> = {}) {
    super(message, { code: "PERMANENT", ...options });
    Object.defineProperty(this, PERMANENT, { value: true });
  }
}

/** True for a `PermanentError` of any copy of the library, also when it is the cause of another error. */
export function isPermanent(error: unknown): boolean {
  for (let seen = error, depth = 0; depth < 8 && typeof seen === "object" && seen !== null; depth++) {
    if ((seen as { [PERMANENT]?: boolean })[PERMANENT] === true) return true;
    seen = (seen as { cause?: unknown }).cause;
  }
  return false;
}

export type PublishOutcome = "confirmed" | "rejected" | "unknown";

/** A publish that did not wholly succeed. `outcomes[i]` tells what became of message `i` of the call. */
export class PublishError extends MillraceError {
  readonly outcomes: readonly PublishOutcome[];

  constructor(message: string, options: MillraceErrorOptions & { readonly outcomes: readonly PublishOutcome[] }) {
    super(message, options);
    this.outcomes = Object.freeze([...options.outcomes]);
  }
}

/** Verdicts that did not become durable at the broker: the messages at `positions` may be delivered again. */
export class SettleError extends MillraceError {
  readonly positions: readonly string[];

  constructor(message: string, options: Partial<MillraceErrorOptions> & { readonly positions: readonly string[] }) {
    super(message, { code: "SETTLE_FAILED", retryable: true, ...options });
    this.positions = Object.freeze([...options.positions]);
  }
}
