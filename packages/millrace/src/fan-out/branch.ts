import { type Intake, Received, type Session, type Source } from "../adapter/index.ts";
import type { Share } from "./share.ts";

/** What a branch asks of what is before it. */
export interface Upstream {
  /** Nothing is on its way to the branches. */
  readonly quiet: boolean;
  /** Messages that are; `undefined` where that is not known. */
  readonly ahead: number | undefined;
  /** Why nothing will come before somebody has done something about it. */
  readonly waitsFor: string | undefined;
}

/** One subscription of a branch. */
interface Member {
  readonly intake: Intake<Share>;
  wanted: number;
}

/** Everything of one topic for one group, or for one subscription without a group; its members share it in turn. */
export class Branch {
  readonly group: string | undefined;
  /** Made by `provision`: stays when it has no members. */
  kept = false;
  readonly #members: Member[] = [];
  readonly #unsettled: Set<Share> = new Set();
  readonly #onEmpty: (branch: Branch) => void;
  /** Not handed to a member yet, in order. */
  #queue: Received<Share>[] = [];
  #turn = 0;

  constructor(group: string | undefined, onEmpty: (branch: Branch) => void) {
    this.group = group;
    this.#onEmpty = onEmpty;
  }

  /** Not handed to a member yet. */
  get waiting(): number {
    return this.#queue.length;
  }

  add(share: Share): void {
    this.#unsettled.add(share);
    this.#queue.push(new Received(share.fetched, share, share.message.delivery.attempt));
    this.#deal();
  }

  /** What the branches waited for has come. */
  go(): void {
    for (const { intake } of this.#members) intake.blocked(undefined);
  }

  /** Upstream lost it: deliveries of it here are lost as well. */
  lose(share: Share): void {
    this.#unsettled.delete(share);
    this.#queue = this.#queue.filter(({ receipt }) => receipt !== share);
    for (const { intake } of this.#members) intake.lose(({ receipt }) => receipt === share);
  }

  /** It will take part no more. */
  leave(): void {
    this.#queue = [];
    for (const share of this.#unsettled) share.droppedBy(this);
    this.#unsettled.clear();
  }

  /** What one subscription reads. */
  source(upstream: Upstream): Source<Share> {
    return { open: (intake) => this.#join({ intake, wanted: 0 }, upstream) };
  }

  #join(member: Member, upstream: Upstream): Session<Share> {
    this.#members.push(member);
    return {
      want: (count) => {
        member.wanted = count;
        if (upstream.waitsFor !== undefined) member.intake.blocked(upstream.waitsFor);
        this.#deal();
      },
      settle: () => {},
      acked: ({ receipt }) => {
        if (this.#unsettled.delete(receipt)) receipt.ackedBy(this);
      },
      giveBack: (messages) => {
        this.#queue = [...messages.filter(({ receipt }) => !receipt.lost), ...this.#queue].sort((one, other) => one.receipt.sequence - other.receipt.sequence);
        this.#deal();
      },
      holds: ({ receipt }) => !receipt.lost,
      describe: ({ receipt }) => {
        const { position, publishedAt, orderingKey, brokerDeliveries } = receipt.message.delivery;
        return { position, publishedAt, orderingKey, brokerDeliveries };
      },
      caughtUp: () => this.#queue.length === 0 && upstream.quiet,
      lag: () => {
        const { ahead } = upstream;
        return ahead === undefined ? undefined : this.#unsettled.size + ahead;
      },
      oldestAt: () => {
        const [oldest] = this.#unsettled;
        return oldest?.message.delivery.publishedAt;
      },
      close: () => {
        this.#members.splice(this.#members.indexOf(member), 1);
        if (this.#members.length > 0) this.#deal();
        else if (!this.kept) this.#onEmpty(this);
      },
    };
  }

  #deal(): void {
    for (let idle = 0; idle < this.#members.length && this.#queue.length > 0; ) {
      this.#turn = (this.#turn + 1) % this.#members.length;
      const member = this.#members[this.#turn] as Member;
      if (member.wanted <= 0) {
        idle++;
        continue;
      }
      idle = 0;
      member.wanted--;
      member.intake.deliver(this.#queue.shift() as Received<Share>);
    }
  }
}
