import type { Delivery, MaybePromise } from "millrace";
import type { PullDesk, PullLease, PullTarget, Received, Settlement, UndecodableRecord } from "millrace/adapter";
import type { SqlReceipt } from "./claim.ts";
import { describe } from "./delivery.ts";
import type { Log } from "./dialect.ts";
import { GroupLink } from "./group-link.ts";
import { GroupMember } from "./group-member.ts";
import { type GroupRules, tellBegunAnew } from "./group-rules.ts";
import { rawRow, receiveRow } from "./receive-row.ts";

/** A member of a group. What a link could not tell the database any more, the next one does. */
export class GroupTarget implements PullTarget<SqlReceipt, GroupLink> {
  readonly lease: PullLease<SqlReceipt, GroupLink>;
  readonly #log: Log;
  readonly #rules: GroupRules;
  readonly #member: GroupMember;
  /** The last one. */
  #link: GroupLink | undefined;

  constructor(log: Log, rules: GroupRules) {
    this.#log = log;
    this.#rules = rules;
    this.#member = new GroupMember(rules.leaseMs);
    this.lease = { ms: rules.leaseMs, renew: (link, receipts) => link.renew(receipts) };
  }

  connect(desk: PullDesk<SqlReceipt>): MaybePromise<GroupLink> {
    const { group, from } = this.#rules;
    const ready = this.#log.provision(group.topic, { name: group.name, from });
    const link = (begunAnew: boolean): GroupLink => {
      if (begunAnew) tellBegunAnew(this.#rules);
      this.#link = new GroupLink(this.#log, desk, this.#rules, this.#member);
      return this.#link;
    };
    return ready instanceof Promise ? ready.then(link) : link(ready);
  }

  disconnect(link: GroupLink, final: boolean): Promise<void> {
    return link.close(final);
  }

  want(link: GroupLink): void {
    link.pull();
  }

  settle(link: GroupLink, verdicts: readonly Settlement<SqlReceipt>[]): MaybePromise<void> {
    return link.settle(verdicts);
  }

  release(link: GroupLink, messages: readonly Received<SqlReceipt>[]): void {
    link.release(messages);
  }

  onLost(receipts: readonly SqlReceipt[]): void {
    for (const receipt of receipts) receipt.claim?.giveBack(receipt); // not taken up again, whoever holds them now
    this.#link?.goOn();
  }

  receive(receipt: SqlReceipt): Received<SqlReceipt> {
    const message = receiveRow(receipt);
    receipt.row = undefined; // the claim may keep the receipt for long
    return message;
  }

  raw(receipt: SqlReceipt): Omit<UndecodableRecord, "error"> {
    return rawRow(receipt);
  }

  describe({ receipt }: Received<SqlReceipt>): Partial<Delivery> {
    return describe(receipt);
  }

  caughtUp(link: GroupLink): MaybePromise<boolean> {
    return link.caughtUp();
  }

  lag(link: GroupLink): number | undefined {
    return link.backlog.lag();
  }

  oldestAt(link: GroupLink): Date | undefined {
    return link.backlog.oldestAt();
  }
}
