/** How records follow each other in a stream of bytes. */
export interface Framing {
  /** The bytes to write for one record. Throws when the record cannot be written so that it is read back as one. */
  frame(record: Uint8Array): Uint8Array;
  splitter(rules: SplitterRules): Splitter;
}

export interface SplitterRules {
  /** Byte offset of the first byte that will be pushed. */
  readonly offset: number;
  /** A longer record is stepped over; what is held in memory is bounded by it. */
  readonly maxRecordBytes: number;
}

/** Cuts bytes into records as they come. */
export interface Splitter {
  /** The bytes are kept, not copied: they must not be written to afterwards. */
  push(chunk: Uint8Array): void;
  /** The next whole record, if there is one. */
  next(): FramedRecord | undefined;
  /** What is left when the input has ended, if that is a record. */
  rest(): FramedRecord | undefined;
}

export interface FramedRecord {
  readonly payload: Uint8Array;
  /** Byte offset at which the record begins, its framing included. */
  readonly start: number;
  /** Why it is no record: too long, or cut off. */
  readonly problem?: string | undefined;
}
