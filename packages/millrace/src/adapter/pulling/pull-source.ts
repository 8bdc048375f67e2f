import type { MaybePromise } from "../../message/index.ts";
import { OptionCheck } from "../../options/index.ts";
import type { Intake, Session, Source } from "../source.ts";
import { Holdings } from "./holdings.ts";
import { PullSession } from "./pull-session.ts";
import type { PullEntry, PullTarget } from "./pull-target.ts";

export interface PullRules {
  /** After an empty answer the next `fetch` begins so long after the last one began, or when it is woken. Default 100 ms; `Infinity`: when it is woken. */
  readonly pollMs?: number | undefined;
  /** How often it is looked for what other members gave back. Default 500 ms. */
  readonly claimMs?: number | undefined;
  /**
   * What becomes of an entry that cannot be decoded and that no dead letter takes. Default `"ack"`, for logs, which keep it all the same;
   * `"return"`: it goes back for a minute, again and again, for queues.
   */
  readonly undecodable?: "ack" | "return" | undefined;
}

/** How long a question may wait at the broker at most. */
const WAIT_MS = 5_000;

/**
 * The source of a subscription on a broker of which messages are asked for: the adapter says how to fetch, claim, settle, release and
 * renew, and the rest is here.
 *
 * - As much is asked for as is wanted. What comes beyond that waits here, and goes back when nothing is wanted.
 * - What was given back is handed out before anything newer.
 * - An entry is ours until its verdict is durable, it is given back, the broker says that it is lost, or its lease is over, also from one
 *   link to the next. Leases are renewed when a third of them is over; one that is not renewed in time is lost at that moment, also while
 *   there is no link: the handler's signal aborts.
 * - What cannot be decoded goes to the dead letter, again with backoff, and is settled when that has succeeded; the others go on.
 */
export class PullSource<Entry extends PullEntry, Link> implements Source<Entry> {
  readonly #target: PullTarget<Entry, Link>;
  readonly #rules: PullRules;
  readonly #holdings: Holdings<Entry>;
  #watched = false;

  constructor(target: PullTarget<Entry, Link>, rules: PullRules = {}) {
    const { pollMs, claimMs, undecodable = "ack" } = rules;
    new OptionCheck("PullSource")
      .known(rules, { pollMs: true, claimMs: true, undecodable: true })
      .that(pollMs === Infinity || pollMs === undefined || pollMs >= 0, "pollMs must be at least 0")
      .duration("claimMs", claimMs, { min: 1 })
      .that(undecodable === "ack" || undecodable === "return", 'undecodable must be "ack" or "return"')
      .that((target.fetch === undefined) !== (target.want === undefined), "a target has either fetch or want")
      .done();
    this.#target = target;
    this.#rules = rules;
    this.#holdings = new Holdings(target, undecodable === "return");
  }

  open(intake: Intake<Entry>, signal: AbortSignal): MaybePromise<Session<Entry>> {
    const { pollMs = 100, claimMs = 500 } = this.#rules;
    const waitMs = Math.min(WAIT_MS, (this.#target.lease?.ms ?? Infinity) / 4);
    this.#watch(signal);
    this.#holdings.connect(intake);
    const session = new PullSession(this.#target, this.#holdings, intake, signal, { pollMs, claimMs, waitMs });
    const begin = (link: Link): Session<Entry> => {
      session.begin(link);
      return session;
    };
    const link = this.#target.connect(session, signal);
    return link instanceof Promise ? link.then(begin) : begin(link);
  }

  /** When the subscription ends and there is no link, nothing can go back. */
  #watch(signal: AbortSignal): void {
    if (this.#watched) return;
    this.#watched = true;
    signal.addEventListener("abort", () => this.#holdings.keeper ?? this.#holdings.stop(), { once: true });
  }
}
