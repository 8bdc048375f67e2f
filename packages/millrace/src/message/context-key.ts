/** A typed name for a value that middleware hands on to a handler: see `ReceivedMessage.get` and `derive`. */
export interface ContextKey<T> {
  readonly name: string;
  /** For inference only, never set. */
  readonly type?: T | undefined;
}

/** Two keys of the same name are different keys: export the key, not its name. */
export function contextKey<T>(name: string): ContextKey<T> {
  return Object.freeze({ name });
}
