import type { MaybePromise } from "millrace";
import type { Intake, Session, Source } from "millrace/adapter";
import type { SqlReceipt } from "./claim.ts";
import type { Log } from "./dialect.ts";
import { GroupMember } from "./group-member.ts";
import { type GroupRules, tellBegunAnew } from "./group-rules.ts";
import { GroupSession } from "./group-session.ts";

/** A member of a group. What a session could not tell the database any more, the next one does. */
export class GroupSource implements Source<SqlReceipt> {
  readonly #log: Log;
  readonly #rules: GroupRules;
  readonly #member: GroupMember;

  constructor(log: Log, rules: GroupRules) {
    this.#log = log;
    this.#rules = rules;
    this.#member = new GroupMember(rules.leaseMs);
  }

  open(intake: Intake<SqlReceipt>): MaybePromise<Session<SqlReceipt>> {
    const { group, from } = this.#rules;
    const ready = this.#log.provision(group.topic, { name: group.name, from });
    const session = (begunAnew: boolean): GroupSession => {
      if (begunAnew) tellBegunAnew(this.#rules);
      return new GroupSession(this.#log, intake, this.#rules, this.#member);
    };
    return ready instanceof Promise ? ready.then(session) : session(ready);
  }
}
