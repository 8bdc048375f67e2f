import { MillraceError } from "../../errors/index.ts";

/** Open until it is closed, once: whoever closes it again waits for the same end. */
export class Life {
  readonly #what: string;
  readonly #end: () => Promise<void>;
  #closing: Promise<void> | undefined;

  /** `what` it is, for error texts: `"subscriber"`. */
  constructor(what: string, end: () => Promise<void>) {
    this.#what = what;
    this.#end = end;
  }

  /** Throws `CLOSED` when it is closed, or on the way to that. */
  readonly check = (): void => {
    if (this.#closing !== undefined) throw new MillraceError(`the ${this.#what} is closed`, { code: "CLOSED" });
  };

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }
}
