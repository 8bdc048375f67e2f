import type { From, MaybePromise } from "millrace";
import type { Intake, Session, Source } from "millrace/adapter";
import type { SqlReceipt } from "./claim.ts";
import type { Log } from "./dialect.ts";
import type { GroupRef } from "./exchange.ts";
import { GroupSession } from "./group-session.ts";

export interface GroupSourceRules {
  readonly group: GroupRef;
  readonly from: From;
  readonly leaseMs: number;
  readonly maxGap: number;
}

/** A member of a group. Each opened session is a member of its own: what an earlier one held is free, or becomes so with its lease. */
export class GroupSource implements Source<SqlReceipt> {
  readonly #log: Log;
  readonly #rules: GroupSourceRules;

  constructor(log: Log, rules: GroupSourceRules) {
    this.#log = log;
    this.#rules = rules;
  }

  open(intake: Intake<SqlReceipt>): MaybePromise<Session<SqlReceipt>> {
    const { group, from } = this.#rules;
    const ready = this.#log.provision(group.topic, { name: group.name, from });
    const session = (): GroupSession => new GroupSession(this.#log, intake, this.#rules);
    return ready instanceof Promise ? ready.then(session) : session();
  }
}
