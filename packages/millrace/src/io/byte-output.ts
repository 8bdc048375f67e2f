/** What became of a write. Records are written in order, so what was confirmed comes first. */
export interface Written {
  /** So many of the first records are written. */
  readonly confirmed: number;
  /** So many after those may be written or not; the others are not. */
  readonly unknown: number;
  readonly error?: unknown;
}

/** Where bytes go. */
export interface ByteOutput {
  /** A write is cut into parts of about this size, so that the stream's own back-pressure works. */
  readonly batchBytes: number;
  /** Resolves when the records are written, or one could not be. Never rejects; never called while a call is under way. */
  write(records: readonly Uint8Array[]): Promise<Written>;
  close(): Promise<void>;
}
