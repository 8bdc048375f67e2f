import { failedInCompany } from "../message/in-hand.ts";
import { attempt, type Middleware } from "../message/index.ts";
import { isInterruption } from "../message/interruption.ts";
import { OptionCheck } from "../options/index.ts";
import { askHook } from "./ask-hook.ts";

/** How to tell an error: by its class, its `code`, the very object, or a predicate. Never by its text. */
export type ErrorMatch =
  // biome-ignore lint/suspicious/noExplicitAny: a class is recognised, never called, so its parameters do not matter
  (abstract new (...args: any[]) => unknown) | string | Error | ((error: unknown) => boolean);

/**
 * Takes the errors you name for success: the message is acked, and what the failing handler produced is gone.
 *
 * Each match is tried on the error and on every `cause` below it. The members of an `AggregateError` are not looked at: there
 * something else failed as well. A class is a function with `class` syntax or one whose prototype is an error; every other function is
 * a predicate; one that throws does not match, and is shown on standard error. When two copies of a library may be loaded, match by
 * code. A handling that was cut off from outside (delivery lost, the router drained, turned away by a circuit breaker) is never taken for
 * success, whatever matches; nor is one of several whose batch failed as a whole, which comes again, alone. Throws an `OptionError` when there is nothing to match.
 *
 * ```ts
 * import { ignoreErrors } from "millrace/middleware";
 * router.addMiddleware(ignoreErrors("OUT_OF_STOCK", RangeError, (error) => error instanceof Error && error.name === "Stale"));
 * ```
 */
export function ignoreErrors(...matches: readonly ErrorMatch[]): Middleware {
  const check = new OptionCheck("ignoreErrors").that(matches.length > 0, "at least one match is needed");
  matches.forEach((match, place) => {
    check.that(
      typeof match === "function" || match instanceof Error || (typeof match === "string" && match !== ""),
      `match ${place} must be a class, a code, an error or a predicate`,
    );
  });
  check.done();
  const tests = matches.map(testOf);
  const ignored = (error: unknown): boolean => links(error).some((link) => tests.some((test) => test(link)));

  return (next) => (message) =>
    attempt(
      () => next(message),
      (produced) => produced,
      (error) => {
        if (isInterruption(error, message) || failedInCompany(message) || !ignored(error)) throw error;
      },
    );
}

function testOf(match: ErrorMatch): (error: unknown) => boolean {
  if (typeof match === "string") return (error) => (error as { code?: unknown } | null | undefined)?.code === match;
  if (typeof match !== "function") return (error) => error === match;
  if (isClass(match)) return (error) => error instanceof match;
  return (error) => askHook(() => (match as (error: unknown) => boolean)(error), false, "a predicate of ignoreErrors", undefined);
}

function isClass(value: unknown): value is abstract new () => unknown {
  const prototype = Object.getOwnPropertyDescriptor(value, "prototype");
  // Only class syntax makes a prototype that cannot be replaced; built-in constructors have one too.
  return prototype !== undefined && (prototype.writable === false || prototype.value instanceof Error);
}

/** The error and its causes, outermost first; a chain that bites its tail ends. */
function links(error: unknown): unknown[] {
  const found: unknown[] = [];
  for (let link = error; !found.includes(link) && found.length < 32; ) {
    found.push(link);
    const cause = (link as { cause?: unknown } | null | undefined)?.cause;
    if (cause === undefined) break;
    link = cause;
  }
  return found;
}
