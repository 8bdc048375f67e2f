/** What a function of the user's gave back: should it be a promise, whatever its type says, it must not reject unheard. */
export function heard(result: unknown, onError: (error: unknown) => void): void {
  if (typeof result === "object" && result !== null && typeof (result as { then?: unknown }).then === "function") {
    (result as Promise<unknown>).then(undefined, onError);
  }
}
