export interface PublishSettings {
  readonly count: number;
  /** By us, before. Default a quarter of `count`. */
  readonly warmUp?: number | undefined;
  /** Messages in one call, and in one transaction of the bare client. */
  readonly batch: number;
  readonly bytes: number;
  /** Calls under way at a time. Default 1. */
  readonly callers?: number | undefined;
}

export interface ConsumeSettings {
  readonly count: number;
  readonly warmUp: number;
  readonly bytes: number;
  /** Most messages held ahead; our default when not set. For the bare client: what it reads in one transaction. */
  readonly batch?: number | undefined;
  readonly concurrency: number;
}

/** Set on the bare client's connection, and by us on our own: the same. */
export const PRAGMAS = "PRAGMA busy_timeout = 0; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
