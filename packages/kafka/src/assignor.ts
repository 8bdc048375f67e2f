/** A member of a group, as the leader sees it. */
export interface GroupMember {
  readonly memberId: string;
  readonly topics: readonly string[];
  /** What it says it holds, by topic, and since which generation. */
  readonly owned: ReadonlyMap<string, readonly number[]>;
  readonly generation: number;
}

/** Member → topic → partitions. */
export type Assignment = Map<string, Map<string, number[]>>;

/**
 * Kafka's cooperative sticky assignment: everybody keeps what he has, as far as the shares stay even (they differ by one at
 * most). A partition that moves is given to nobody in this round: its holder lets go of it first, then the group joins again.
 */
export function assignCooperatively(members: readonly GroupMember[], partitionsOf: ReadonlyMap<string, number>): Assignment {
  const assignment = emptyAssignment(members);
  for (const [topic, count] of partitionsOf) {
    const readers = readersOf(topic, members);
    if (readers.length === 0) continue;
    const holders = holdersOf(topic, count, readers);
    for (const [memberId, partitions] of balanced(readers, holders, count)) {
      // What another still holds is withheld this time.
      const free = partitions.filter((partition) => holders[partition] === undefined || holders[partition] === memberId);
      assignment.get(memberId)?.set(
        topic,
        free.sort((one, other) => one - other),
      );
    }
  }
  return assignment;
}

/** Kafka's range assignment, which Sarama (and so Watermill) uses by default: neighbouring partitions, members in order of their ids. */
export function assignRanges(members: readonly GroupMember[], partitionsOf: ReadonlyMap<string, number>): Assignment {
  const assignment = emptyAssignment(members);
  for (const [topic, count] of partitionsOf) {
    const readers = readersOf(topic, members);
    let next = 0;
    for (const [place, { memberId }] of readers.entries()) {
      const share = Math.floor(count / readers.length) + (place < count % readers.length ? 1 : 0);
      assignment.get(memberId)?.set(
        topic,
        Array.from({ length: share }, (_, index) => next + index),
      );
      next += share;
    }
  }
  return assignment;
}

function emptyAssignment(members: readonly GroupMember[]): Assignment {
  return new Map(members.map(({ memberId }) => [memberId, new Map()]));
}

function readersOf(topic: string, members: readonly GroupMember[]): GroupMember[] {
  return members.filter(({ topics }) => topics.includes(topic)).sort((one, other) => (one.memberId < other.memberId ? -1 : 1));
}

/** Who holds each partition; of two who claim it, the one of the later generation. */
function holdersOf(topic: string, count: number, readers: readonly GroupMember[]): (string | undefined)[] {
  const holders = new Array<string | undefined>(count).fill(undefined);
  const since = new Array<number>(count).fill(-2);
  for (const { memberId, owned, generation } of readers) {
    for (const partition of owned.get(topic) ?? []) {
      if (partition >= count || (since[partition] as number) > generation) continue;
      holders[partition] = since[partition] === generation ? undefined : memberId;
      since[partition] = generation;
    }
  }
  return holders;
}

function balanced(readers: readonly GroupMember[], holders: readonly (string | undefined)[], count: number): Map<string, number[]> {
  const kept = new Map<string, number[]>(readers.map(({ memberId }) => [memberId, []]));
  for (const [partition, holder] of holders.entries()) if (holder !== undefined) kept.get(holder)?.push(partition);
  const least = Math.floor(count / readers.length);
  let larger = count % readers.length; // so many may have one more
  const shares = new Map<string, number[]>();
  // Those who hold most are served first: they keep the larger shares.
  const byHolding = [...kept].sort(([oneId, one], [otherId, other]) => other.length - one.length || (oneId < otherId ? -1 : 1));
  for (const [memberId, partitions] of byHolding) {
    const most = partitions.length > least && larger > 0 ? least + 1 : least;
    if (most > least) larger--;
    shares.set(memberId, partitions.slice(0, most));
  }
  const taken = new Set([...shares.values()].flat());
  const open = Array.from({ length: count }, (_, partition) => partition).filter((partition) => !taken.has(partition));
  for (const partition of open) {
    let smallest: number[] | undefined;
    for (const share of shares.values()) if (smallest === undefined || share.length < smallest.length) smallest = share;
    smallest?.push(partition);
  }
  return shares;
}
