/** A promise with its two ends in one object. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

export function deferred<T>(): Deferred<T> {
  return Promise.withResolvers<T>();
}

/** A deferred whose rejection never counts as unhandled: nobody has to listen. */
export function quietDeferred<T>(): Deferred<T> {
  const made = deferred<T>();
  made.promise.catch(() => {});
  return made;
}
