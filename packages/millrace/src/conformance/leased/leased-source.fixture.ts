import { type PullDesk, type PullEntry, PullSource, type PullTarget, type Received, type Settlement, type Source } from "../../adapter/index.ts";
import { MillraceError } from "../../errors/index.ts";
import type { Delivery, From } from "../../message/index.ts";
import type { Flaw } from "./flaws.fixture.ts";
import type { LeasedBroker, Lent } from "./leased-broker.fixture.ts";
import { decode } from "./leased-codec.fixture.ts";
import type { LeasedLink, LeasedWire } from "./leased-wire.fixture.ts";

const BATCH = 100;

export interface LeasedReading {
  readonly broker: LeasedBroker;
  readonly wire: LeasedWire;
  readonly flaws: ReadonlySet<Flaw>;
  readonly topic: string;
  readonly group: string;
  readonly owner: string;
  readonly from: From | undefined;
  readonly leaseMs: number;
}

/** An entry as it was lent to us. */
export type LeasedDelivery = Lent & PullEntry;

export function leasedSource(reading: LeasedReading): Source<LeasedDelivery> {
  return new PullSource(new LeasedTarget(reading));
}

/** One member of a group. */
class LeasedTarget implements PullTarget<LeasedDelivery, LeasedLink> {
  readonly lease: NonNullable<PullTarget<LeasedDelivery, LeasedLink>["lease"]>;
  readonly #reading: LeasedReading;
  readonly #undecodable: Set<number> = new Set();
  #ended: AbortSignal | undefined;
  #stopped = false;

  constructor(reading: LeasedReading) {
    this.#reading = reading;
    const { leaseMs, flaws } = reading;
    this.lease = { ms: flaws.has("tells of no loss") ? 1e9 : leaseMs, renew: (link, entries) => this.#renew(link, entries) };
  }

  async connect(desk: PullDesk<LeasedDelivery>, signal: AbortSignal): Promise<LeasedLink> {
    const { broker, wire, flaws, topic, group, owner, from } = this.#reading;
    this.#ended = signal;
    const link = await wire.connect((error) => {
      if (flaws.has("stays away after a lost connection")) return;
      if (flaws.has("hides an outage")) wire.whenBack(() => desk.lost(error));
      else desk.lost(error);
    });
    await link.call(() => {
      broker.join(topic, group, from, { owner, wake: () => link.hear(() => desk.wake()) });
      broker.releaseAllBut(topic, group, owner, new Set(desk.ours().map(({ offset }) => offset)));
    });
    return link;
  }

  async disconnect(link: LeasedLink, final: boolean): Promise<void> {
    const { broker, topic, group, owner } = this.#reading;
    if (final && !this.#releasesNothing) await link.call(() => broker.leave(topic, group, owner)).catch(() => {});
    link.close();
  }

  async fetch(link: LeasedLink, { count }: { readonly count: number }): Promise<readonly LeasedDelivery[]> {
    const { broker, flaws, topic, group, owner, leaseMs } = this.#reading;
    if (this.#stopped) return [];
    const most = flaws.has("fetches as much as it can, whatever is wanted") ? 1000 : Math.min(count, BATCH);
    const lentMs = flaws.has("claims what is lent") ? 0 : leaseMs;
    const newFirst = flaws.has("reads new entries before those given back");
    const lent = await this.#call(link, () => broker.fetch(topic, group, owner, most, lentMs, newFirst));
    const fresh = lent.filter(({ source }) => source === "new");
    if (flaws.has("lends an entry to two members")) broker.lendAgain(topic, group, offsetsOf(fresh));
    if (flaws.has("hands out backwards")) return lent.toReversed();
    if (flaws.has("says nothing of what cannot be decoded")) return lent.filter((entry) => this.#isOurs(entry));
    return flaws.has("reads nothing but what it claims after a lease") ? lent.filter((entry) => !fresh.includes(entry)) : lent;
  }

  async settle(link: LeasedLink, verdicts: readonly Settlement<LeasedDelivery>[]): Promise<readonly LeasedDelivery[]> {
    const { broker, flaws, topic, group, owner } = this.#reading;
    const entries = verdicts.map(({ message }) => message.receipt);
    const told = entries.filter(({ offset }) => {
      if (flaws.has("forgets every tenth ack") && offset % 10 === 9) return false;
      return !(flaws.has("acks nothing that cannot be decoded") && this.#undecodable.has(offset));
    });
    const answer = link.call(() => broker.settle(topic, group, owner, offsetsOf(told)));
    if (flaws.has("settles before the broker has answered")) {
      answer.catch(() => {});
      return [];
    }
    try {
      return this.#lost(entries, await answer);
    } catch (error) {
      if (!flaws.has("takes no refusal of the broker for an answer")) throw error;
      return [];
    }
  }

  async release(link: LeasedLink, messages: readonly Received<LeasedDelivery>[]): Promise<void> {
    const { broker, flaws, topic, group, owner } = this.#reading;
    if (flaws.has("gives nothing back") || this.#releasesNothing) return;
    await this.#call(link, () => broker.release(topic, group, owner, offsetsOf(messages.map(({ receipt }) => receipt))));
  }

  receive(entry: LeasedDelivery): Received<LeasedDelivery> {
    const { flaws } = this.#reading;
    try {
      return decode(entry, flaws);
    } catch (error) {
      this.#undecodable.add(entry.offset);
      this.#stopped = flaws.has("stops at what cannot be decoded");
      throw error;
    }
  }

  raw({ offset, bytes }: LeasedDelivery): { readonly position: string; readonly payload: Uint8Array } {
    return { position: String(offset), payload: new Uint8Array(Buffer.from(bytes)) };
  }

  describe({ receipt }: Received<LeasedDelivery>): Partial<Delivery> {
    const position = this.#reading.flaws.has("sees no position") ? "0" : String(receipt.offset);
    return { position, publishedAt: new Date(receipt.atMs) };
  }

  lag(): number | undefined {
    const { broker, flaws, topic, group } = this.#reading;
    try {
      return broker.lag(topic, group, !flaws.has("counts as lag only what nobody has fetched"));
    } catch (error) {
      if (MillraceError.is(error)) return undefined; // deleted meanwhile
      throw error;
    }
  }

  async caughtUp(link: LeasedLink): Promise<boolean> {
    const { broker, flaws, topic, group } = this.#reading;
    if (flaws.has("always says that it is caught up")) return true;
    if (flaws.has("never says that it is caught up")) return false;
    return await link.call(() => broker.nothingLeft(topic, group));
  }

  async #renew(link: LeasedLink, entries: readonly LeasedDelivery[]): Promise<readonly LeasedDelivery[]> {
    const { broker, flaws, topic, group, owner, leaseMs } = this.#reading;
    if (flaws.has("renews no lease")) throw new MillraceError("nothing is renewed", { code: "NOTHING_RENEWED", retryable: true });
    return this.#lost(entries, await link.call(() => broker.renew(topic, group, owner, offsetsOf(entries), leaseMs)));
  }

  get #releasesNothing(): boolean {
    return this.#reading.flaws.has("releases nothing when it closes") && this.#ended?.aborted === true;
  }

  /** Who takes no notice of a broken connection waits for ever. */
  async #call<T>(link: LeasedLink, request: () => T): Promise<T> {
    const { flaws } = this.#reading;
    try {
      return await link.call(request);
    } catch (error) {
      if (link.broken && (flaws.has("stays away after a lost connection") || flaws.has("hides an outage"))) return await new Promise(() => {});
      throw error;
    }
  }

  /** Those that the broker says are another's. */
  #lost(entries: readonly LeasedDelivery[], refused: readonly number[]): readonly LeasedDelivery[] {
    if (refused.length === 0 || this.#reading.flaws.has("tells of no loss")) return [];
    return entries.filter(({ offset }) => refused.includes(offset));
  }

  #isOurs(entry: LeasedDelivery): boolean {
    try {
      decode(entry, this.#reading.flaws);
      return true;
    } catch {
      return false;
    }
  }
}

function offsetsOf(entries: readonly Lent[]): number[] {
  return entries.map(({ offset }) => offset);
}
