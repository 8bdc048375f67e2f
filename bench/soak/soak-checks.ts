import type { Fault } from "./fault.ts";
import { GroupCheck, type OrderRules } from "./group-check.ts";
import type { JournalTaker } from "./journal.ts";
import { KIND } from "./kinds.ts";
import { Problems } from "./problems.ts";

/** The number under which the soak itself writes into the journal. */
export const CONTROLLER = 0;

/** Sorts what the journal tells: to the group that it is about, or to all of them. */
export class SoakChecks implements JournalTaker {
  readonly faults: Fault[] = [];
  readonly problems: Problems = new Problems();
  readonly groups: readonly GroupCheck[];
  readonly #byMember: Map<number, GroupCheck> = new Map();

  constructor(count: number, orders: Readonly<Record<string, OrderRules>>, sentAgain: Uint8Array) {
    const { faults, problems } = this;
    this.groups = Object.entries(orders).map(([group, order]) => new GroupCheck({ group, count, order, faults, sentAgain, problems }));
  }

  expect(member: number, group: string): void {
    this.#byMember.set(member, this.group(group));
  }

  group(name: string): GroupCheck {
    const found = this.groups.find(({ group }) => group === name);
    if (found === undefined) throw new Error(`there is no group ${name}`);
    return found;
  }

  /** All messages before this one are handled, by every group. */
  get handledTo(): number {
    return Math.min(...this.groups.map(({ handledTo }) => handledTo));
  }

  take(kind: number, member: number, a: number, b: number): void {
    if (member !== CONTROLLER) {
      this.#byMember.get(member)?.take(kind, member, a, b);
      return;
    }
    const fault = this.faults[a];
    if (fault === undefined) return;
    for (const group of this.groups) {
      if (kind === KIND.faultBegun) group.faultBegun(fault);
      else group.faultEnded(fault);
    }
  }
}
