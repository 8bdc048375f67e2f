import type { Intake } from "millrace/adapter";
import type { SqlReceipt } from "./claim.ts";

/** What holds a session up, as health shows it: one thing at a time, the whole group's trouble before that of a single row. */
export class Hindrance {
  readonly #intake: Intake<SqlReceipt>;
  #ofGroup: string | undefined;
  #ofRow: string | undefined;
  #shown: string | undefined;

  constructor(intake: Intake<SqlReceipt>) {
    this.#intake = intake;
  }

  /** `undefined`: it is over. */
  group(detail: string | undefined): void {
    this.#ofGroup = detail;
    this.#show();
  }

  row(detail: string | undefined): void {
    this.#ofRow = detail;
    this.#show();
  }

  #show(): void {
    const detail = this.#ofGroup ?? this.#ofRow;
    if (detail === this.#shown) return;
    this.#shown = detail;
    this.#intake.blocked(detail);
  }
}
