import type { From, MaybePromise } from "millrace";
import type { Intake, Session, Source } from "millrace/adapter";
import type { SqlReceipt } from "./claim.ts";
import type { Log } from "./dialect.ts";
import type { GroupRef } from "./exchange.ts";
import { GroupMember } from "./group-member.ts";
import { GroupSession } from "./group-session.ts";

export interface GroupSourceRules {
  readonly group: GroupRef;
  readonly from: From;
  readonly leaseMs: number;
  readonly maxGap: number;
}

/** A member of a group. What a session could not tell the database any more, the next one does. */
export class GroupSource implements Source<SqlReceipt> {
  readonly #log: Log;
  readonly #rules: GroupSourceRules;
  readonly #member: GroupMember;

  constructor(log: Log, rules: GroupSourceRules) {
    this.#log = log;
    this.#rules = rules;
    this.#member = new GroupMember(rules.leaseMs);
  }

  open(intake: Intake<SqlReceipt>): MaybePromise<Session<SqlReceipt>> {
    const { group, from } = this.#rules;
    const ready = this.#log.provision(group.topic, { name: group.name, from });
    const session = (): GroupSession => new GroupSession(this.#log, intake, this.#rules, this.#member);
    return ready instanceof Promise ? ready.then(session) : session();
  }
}
