import { MillraceError } from "millrace";
import { type Intake, Received, type Session, type Settlement, type Source, sleep, TextMap } from "millrace/adapter";
import type { LossyGroup, Taker } from "./lossy-group.ts";
import { isCurrent, type Parcel, type Receipt } from "./parcel.ts";

export interface LossyRules {
  /** Deliveries tell their position. */
  readonly positions: boolean;
  /** Verdicts take so long to be durable. */
  readonly settleMs: number;
  /** What was lost comes again after so long. */
  readonly againMs: number;
  /** The broker gives these out again although nobody gave them back. */
  readonly onLost: (parcels: readonly Parcel[]) => void;
  readonly onDelivered: (parcel: Parcel) => void;
}

/** A subscription's dealings with its group. Deliveries outlive a connection that breaks, unless they are lost with it. */
export class LossySource implements Source<Receipt> {
  readonly #group: LossyGroup;
  readonly #rules: LossyRules;
  readonly #out: Set<Parcel> = new Set();
  #session: { readonly intake: Intake<Receipt>; readonly taker: Taker; live: boolean } | undefined;
  #refusesToOpen = false;
  #breaksVerdict = false;

  constructor(group: LossyGroup, rules: LossyRules) {
    this.#group = group;
    this.#rules = rules;
  }

  open(intake: Intake<Receipt>): Session<Receipt> {
    if (this.#refusesToOpen) throw new MillraceError("the broker wants no more of this", { code: "REFUSED", retryable: false });
    const taker: Taker = { wanted: 0, take: (parcel) => intake.deliver(this.#received(parcel)) };
    const session = { intake, taker, live: true };
    this.#session = session;
    this.#group.join(taker);
    return {
      want: (count) => {
        if (!session.live) return;
        taker.wanted = count;
        this.#group.deal();
      },
      settle: (verdicts) => this.#settle(verdicts, session),
      giveBack: (messages) => this.#giveBack(messages),
      holds: ({ receipt }) => {
        if (this.#breaksVerdict) {
          this.#breaksVerdict = false;
          throw new Error("the verdict broke");
        }
        return isCurrent(receipt);
      },
      describe: ({ receipt, key }) => (this.#rules.positions ? { position: String(receipt.parcel.offset), orderingKey: key } : { orderingKey: key }),
      caughtUp: () => this.#group.empty,
      close: () => {
        this.#group.leave(taker);
        if (!session.live) return; // broken: the next session goes on with what is out
        session.live = false;
        this.#takeAway([...this.#out]);
      },
    };
  }

  /** Deliveries may be another's now. */
  lose(which: (parcel: Parcel) => boolean): void {
    const gone = new Set([...this.#out].filter(which));
    if (gone.size === 0) return;
    // Being told of a loss, the subscription asks for more: it must not get what comes after the lost ones.
    this.#group.barDuring(() => {
      this.#session?.intake.lose(({ receipt }) => gone.has(receipt.parcel));
      this.#takeAway([...gone]);
    });
  }

  /** The connection breaks. */
  cut(losing: boolean, fatal: boolean): void {
    const session = this.#session;
    if (session === undefined || !session.live) return;
    session.live = false;
    session.taker.wanted = 0;
    this.#refusesToOpen ||= fatal;
    if (losing || fatal) this.lose(() => true);
    this.#group.leave(session.taker);
    session.intake.fail(new MillraceError("the connection broke", { code: "CONNECTION_LOST", retryable: true }));
  }

  /** The subscription is over: what it did not give back, because there was no connection, the broker takes back itself. */
  end(): void {
    this.#takeAway([...this.#out]);
  }

  breakVerdict(): void {
    this.#breaksVerdict = true;
  }

  #received(parcel: Parcel): Received<Receipt> {
    this.#out.add(parcel);
    parcel.delivery++;
    this.#rules.onDelivered(parcel);
    const { id, key, payload, metadata, attempt, delivery } = parcel;
    return new Received({ source: { id }, key, payload, metadata: new TextMap(metadata) }, { parcel, delivery }, attempt);
  }

  async #settle(verdicts: readonly Settlement<Receipt>[], session: { readonly live: boolean }): Promise<void> {
    if (this.#rules.settleMs > 0 && verdicts.length > 0) {
      await sleep(this.#rules.settleMs);
      if (!session.live) throw new MillraceError("the connection broke", { code: "CONNECTION_LOST", retryable: true });
    }
    for (const verdict of verdicts) {
      const { receipt } = verdict.message;
      const { parcel } = receipt;
      if (!isCurrent(receipt)) continue;
      if (verdict.kind === "kept") {
        parcel.attempt = verdict.attempt;
        continue;
      }
      this.#out.delete(parcel);
      if (verdict.kind === "ack") parcel.settled = true;
      else {
        parcel.attempt = verdict.message.attempt + 1;
        this.#group.addLater([parcel], verdict.delayMs, false);
      }
    }
  }

  #giveBack(messages: readonly Received<Receipt>[]): void {
    const back = messages.filter(({ receipt }) => isCurrent(receipt) && this.#out.has(receipt.parcel));
    for (const { receipt, attempt } of back) {
      receipt.parcel.attempt = attempt;
      this.#out.delete(receipt.parcel);
    }
    this.#group.add(back.map(({ receipt }) => receipt.parcel));
  }

  #takeAway(parcels: readonly Parcel[]): void {
    if (parcels.length === 0) return;
    for (const parcel of parcels) {
      parcel.delivery++;
      this.#out.delete(parcel);
    }
    this.#rules.onLost(parcels);
    this.#group.addLater(parcels, this.#rules.againMs, true);
  }
}
