import { monotonicMs } from "millrace/adapter";
import type { GroupClient } from "./group-client.ts";
import type { GroupSource } from "./group-source.ts";
import { partitionBacklogs } from "./partition-backlog.ts";

/** A member hears nothing of what the others do: when somebody asks, it asks the group's coordinator again after so long. */
const STALE_MS = 1000;

/** The lag of the partitions that other members of the group have. Nothing is asked while nobody wants to know. */
export class OtherPartitions {
  readonly #source: GroupSource;
  readonly #client: () => GroupClient | undefined;
  #lags: ReadonlyMap<number, number> = new Map();
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking = false;

  constructor(source: GroupSource, client: () => GroupClient | undefined) {
    this.#source = source;
    this.#client = client;
  }

  /** As last heard of; `undefined` until it was. */
  lag(): number | undefined {
    const { cluster, rules, partitions } = this.#source;
    const count = cluster.topic(rules.topic)?.leaders.length;
    if (count === undefined) return undefined;
    const others = Array.from({ length: count }, (_, index) => index).filter((index) => !partitions.has(index));
    if (others.length === 0) return 0;
    this.#lookAgain(others);
    let sum = 0;
    for (const index of others) {
      const lag = this.#lags.get(index);
      if (lag === undefined) return undefined;
      sum += lag;
    }
    return sum;
  }

  #lookAgain(others: readonly number[]): void {
    const client = this.#client();
    if (client === undefined || this.#asking || monotonicMs() - this.#askedAt < STALE_MS) return;
    this.#asking = true;
    const { cluster, rules, reading } = this.#source;
    partitionBacklogs(cluster, client, rules.topic, others, reading.committedOnly)
      .then(
        ({ backlogs }) => {
          this.#lags = new Map(backlogs.map(({ partition, offsets }) => [partition, offsets]));
        },
        () => {}, // whoever reads tells of the trouble
      )
      .finally(() => {
        this.#asking = false;
        this.#askedAt = monotonicMs();
      });
  }
}
