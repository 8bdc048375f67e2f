import type { MaybePromise, Produced } from "./handler.ts";
import type { Message } from "./message.ts";

/**
 * Runs a step after a handler's result without costing the synchronous path a promise: what `await` would do, but only when
 * there is something to wait for. `onError` is for asynchronous failures; wrap the call itself in `try` for synchronous ones,
 * or use `attempt`, which does both.
 */
export function after(
  result: MaybePromise<Produced>,
  onOk: (produced: Produced) => MaybePromise<Produced>,
  onError?: (error: unknown) => MaybePromise<Produced>,
): MaybePromise<Produced> {
  return isPromise(result) ? result.then(onOk, onError) : onOk(result);
}

/** Calls `run` and then `onOk` or `onError`, whichever way the failure comes. */
export function attempt(
  run: () => MaybePromise<Produced>,
  onOk: (produced: Produced) => MaybePromise<Produced>,
  onError: (error: unknown) => MaybePromise<Produced>,
): MaybePromise<Produced> {
  let result: MaybePromise<Produced>;
  try {
    result = run();
  } catch (error) {
    return onError(error);
  }
  return isPromise(result) ? result.then(onOk, onError) : onOk(result);
}

export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/** A thenable of somebody else's may do its work once for each who waits for it, may throw when it is asked, and need not give a promise back. */
export function asPromise<T>(thenable: Promise<T>): Promise<T> {
  return thenable instanceof Promise ? thenable : Promise.resolve(thenable);
}

/** What was produced, always as a list. */
export function producedList(produced: Produced): readonly Message[] {
  if (produced === undefined) return [];
  return Array.isArray(produced) ? produced : [produced as Message];
}

/** Without what is no messages: an untyped consumer may give back anything (`(m) => list.push(m)`). */
export function onlyMessages(produced: Produced): Produced {
  const first = Array.isArray(produced) ? produced[0] : produced;
  return (first as Partial<Message> | undefined | null)?.payload instanceof Uint8Array ? produced : undefined;
}
