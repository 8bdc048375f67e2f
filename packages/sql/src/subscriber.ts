import type { BrokerAdmin } from "millrace";
import { SubscriberShell } from "millrace/adapter";
import type { SqlReceipt } from "./claim.ts";
import { checkOptions, type SqlSubscriberOptions, SUBSCRIBER_NAMES } from "./options.ts";
import { SqlReading } from "./sql-reading.ts";

/**
 * Reads topics of the log, for a group or for oneself.
 *
 * | | what the database sees |
 * |---|---|
 * | the handler returns (`ack`) | the message is settled; the group's position moves over the contiguous settled prefix, what is settled beyond it is kept as ranges |
 * | it throws (`nack`) | nothing but the number of the next attempt; the message stays with this member, which tries again |
 * | it runs out of time | as a throw, once its promise settles; until then the claim is renewed |
 * | the process dies | its claims run out after `leaseMs`; another member, or the next process, takes over what is unsettled in them; one by one after three deaths, each further one an attempt |
 * | the process freezes beyond its lease | as if it had died; when it wakes, late verdicts answer false and change nothing |
 * | `pause`, `close` | what was not handed out is free for other members at once |
 *
 * - Members of a group claim ranges of the log and share the work; the order of the log holds within one member.
 * - `provision` makes the topic's tables and the group's row: a group begins at `from`, counted from now.
 * - While the subscription's handlers run, no transaction is open and no lock is held.
 *
 * ```ts
 * const subscription = await subscriber.subscribe("order.placed", { group: "billing" });
 * for await (const message of subscription) message.ack();
 * ```
 */
export class SqlSubscriber extends SubscriberShell<SqlReceipt> {
  /** What tools may ask of the database: see `BrokerAdmin`. A group is busy while its members hold claims. */
  declare readonly admin: BrokerAdmin;

  constructor(options: SqlSubscriberOptions) {
    checkOptions("SqlSubscriber", options, SUBSCRIBER_NAMES);
    super("SqlSubscriber", new SqlReading(options));
  }
}
