/** `rotated`: another file has the name now. `truncated`: the file was emptied and written anew. Either way bytes begin at 0 again. */
export type InputEvent = "end" | "rotated" | "truncated";

/** Where bytes come from. */
export interface ByteInput {
  /** Offset of the first byte that will be read. */
  readonly start: number;
  /** May be called again after `close`, and goes on where it was. */
  open(): Promise<void>;
  /**
   * The next bytes, when there are some, or what happened. The answer stays the same until `taken()`, so that who stops waiting
   * for it loses nothing.
   */
  read(): Promise<Uint8Array | InputEvent>;
  taken(): void;
  close(): Promise<void>;
}
