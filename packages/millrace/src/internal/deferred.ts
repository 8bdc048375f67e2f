/**
 * A promise with its two ends in one object. A class: V8 puts literals that often outlive a collection into the old space at once,
 * with all that they hold.
 */
export class Deferred<T> {
  resolve!: (value: T) => void;
  reject!: (reason: unknown) => void;
  readonly promise: Promise<T> = new Promise((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}

export function deferred<T>(): Deferred<T> {
  return new Deferred();
}

/** A deferred whose rejection never counts as unhandled: nobody has to listen. */
export function quietDeferred<T>(): Deferred<T> {
  const made = deferred<T>();
  made.promise.catch(() => {});
  return made;
}
