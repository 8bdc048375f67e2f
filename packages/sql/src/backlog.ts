import type { MaybePromise } from "millrace";
import { monotonicMs } from "millrace/adapter";
import { timeOf } from "./delivery.ts";
import type { Log } from "./dialect.ts";
import type { GroupRef, Standing } from "./exchange.ts";
import type { GroupMember } from "./group-member.ts";

/** A member that has nothing to tell the database hears nothing of what the others do: when somebody asks, it looks again after so long. */
const STALE_MS = 250;

/** What a group has not settled yet, as one of its members knows it: its own claims to the moment, those of others as last heard of. */
export class Backlog {
  readonly #log: Log;
  readonly #group: GroupRef;
  readonly #member: GroupMember;
  #standing: Standing | undefined;
  #heardAt = 0;
  #asking = false;

  constructor(log: Log, group: GroupRef, member: GroupMember) {
    this.#log = log;
    this.#group = group;
    this.#member = member;
  }

  take(standing: Standing): void {
    this.#standing = standing;
    this.#heardAt = monotonicMs();
  }

  lag(): number | undefined {
    this.#lookAgain();
    const head = this.#log.head(this.#group.topic);
    if (head === undefined || this.#standing === undefined) return undefined;
    return Math.max(0, head - this.#standing.claimedTo) + this.#standing.unsettled + this.#member.claims.unsettled;
  }

  oldestAt(): Date | undefined {
    this.#lookAgain();
    const createdAt = this.#standing?.oldestAt ?? this.#member.claims.oldest?.createdAt;
    return createdAt === undefined ? undefined : timeOf(createdAt);
  }

  /** True when nothing is left that could be fetched now. */
  caughtUp(): MaybePromise<boolean> {
    const left = this.#log.remains(this.#group.topic, { group: this.#group, owner: this.#member.owner }, this.#standing?.claimedTo ?? 0);
    return left instanceof Promise ? left.then((some) => !some) : !left;
  }

  #lookAgain(): void {
    if (this.#asking || (this.#standing !== undefined && monotonicMs() - this.#heardAt < STALE_MS)) return;
    this.#asking = true;
    const done = (standing?: Standing): void => {
      this.#asking = false;
      if (standing !== undefined) this.take(standing);
    };
    try {
      const standing = this.#log.standing(this.#group, this.#member.owner);
      if (standing instanceof Promise) standing.then(done, () => done());
      else done(standing);
    } catch {
      done(); // whoever fetches tells of the trouble
    }
  }
}
