import { nextTurn, sliceSpent } from "../internal/slice.ts";
import type { Forgotten } from "./losses.ts";
import type { MemoryGroup } from "./memory-group.ts";
import type { MemoryTopic } from "./memory-topic.ts";
import { FORGOTTEN, type Stored, UNSETTLED } from "./stored.ts";

interface Tally {
  count: number;
  delayed: number;
  readonly groups: Set<string>;
}

/**
 * Counts what a pub/sub forgets when it closes: every message once that was confirmed and that some group had still to settle, or
 * that is not due yet, or that a persistent topic kept and nobody ever settled.
 */
export class ForgottenCounts {
  readonly #tallies: Map<string, Tally> = new Map();

  /** These were not due yet. */
  delayed(counts: ReadonlyMap<string, number>): void {
    for (const [topic, count] of counts) {
      const tally = this.#of(topic);
      tally.delayed += count;
      tally.count += count;
    }
  }

  /** A group goes, with what waits in it. */
  group(topic: string, group: MemoryGroup): void {
    for (const entry of group.waiting()) {
      if (!confirmed(entry)) continue;
      const tally = this.#of(topic);
      if (group.name !== undefined) tally.groups.add(group.name);
      if (entry.fate !== FORGOTTEN) tally.count++;
      entry.fate = FORGOTTEN;
    }
  }

  /** The topic goes, with its log. */
  async topic({ name, log }: MemoryTopic): Promise<void> {
    let count = 0;
    for (const entry of log) {
      if (entry.fate === UNSETTLED && confirmed(entry)) count++;
      if (sliceSpent()) await nextTurn();
    }
    if (count > 0) this.#of(name).count += count;
  }

  list(): readonly Forgotten[] {
    return [...this.#tallies].map(([topic, { count, delayed, groups }]) => ({ topic, count, delayed, groups: [...groups] }));
  }

  #of(topic: string): Tally {
    let tally = this.#tallies.get(topic);
    if (tally === undefined) {
      tally = { count: 0, delayed: 0, groups: new Set() };
      this.#tallies.set(topic, tally);
    }
    return tally;
  }
}

function confirmed({ acks }: Stored): boolean {
  return acks === undefined || acks.confirmed;
}
