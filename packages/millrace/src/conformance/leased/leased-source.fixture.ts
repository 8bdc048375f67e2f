import { type Intake, monotonicMs, type Received, type Session, type Settlement, type Source, startTimer, stopTimer } from "../../adapter/index.ts";
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

/** What one member has of its group, from its first session to its last: leases outlive connections. */
export class LeasedSource implements Source<Lent> {
  readonly reading: LeasedReading;
  /** Offsets that are ours, and until when. */
  readonly held: Map<number, number> = new Map();
  /** Given back, and the broker has not said that it knows. */
  readonly releasing: Set<number> = new Set();
  #intake: Intake<Lent> | undefined;
  #session: LeasedSession | undefined;
  #timer: ReturnType<typeof startTimer> | undefined;

  constructor(reading: LeasedReading) {
    this.reading = reading;
  }

  async open(intake: Intake<Lent>, signal: AbortSignal): Promise<Session<Lent>> {
    const { broker, wire, flaws, topic, group, owner, from } = this.reading;
    this.#intake = intake;
    const link = await wire.connect((error) => {
      if (flaws.has("stays away after a lost connection")) return;
      if (flaws.has("hides an outage")) wire.whenBack(() => intake.fail(error));
      else intake.fail(error);
    });
    const session = new LeasedSession(this, link, intake, signal);
    await link.call(() => {
      broker.join(topic, group, from, { owner, wake: () => link.hear(() => session.fetch()) });
      broker.releaseAllBut(topic, group, owner, new Set(this.held.keys()));
    });
    this.#session = session;
    if (this.#timer === undefined) {
      signal.addEventListener("abort", () => stopTimer(this.#timer), { once: true });
      this.#watch();
    }
    session.release();
    return session;
  }

  holds(offset: number): boolean {
    return this.reading.flaws.has("tells of no loss") || (this.held.get(offset) ?? 0) > monotonicMs();
  }

  /** They are another's now. */
  lose(offsets: readonly number[]): void {
    if (offsets.length === 0 || this.reading.flaws.has("tells of no loss")) return;
    for (const offset of offsets) this.held.delete(offset);
    this.#intake?.lose(({ receipt }) => offsets.includes(receipt.offset));
  }

  #watch(): void {
    this.#timer = startTimer(() => {
      const now = monotonicMs();
      this.lose([...this.held].flatMap(([offset, untilMs]) => (untilMs <= now ? [offset] : [])));
      void this.#session?.renew();
      this.#session?.fetch();
      this.#watch();
    }, this.reading.leaseMs / 4);
  }
}

/** One connection of a member. */
class LeasedSession implements Session<Lent> {
  readonly #source: LeasedSource;
  readonly #link: LeasedLink;
  readonly #intake: Intake<Lent>;
  readonly #signal: AbortSignal;
  #wanted = 0;
  #fetching: Promise<void> | undefined;
  /** Something may have come since the broker was asked. */
  #again = false;
  /** What was asked for before something was given back comes behind it. */
  #epoch = 0;

  constructor(source: LeasedSource, link: LeasedLink, intake: Intake<Lent>, signal: AbortSignal) {
    this.#source = source;
    this.#link = link;
    this.#intake = intake;
    this.#signal = signal;
  }

  want(count: number): void {
    this.#wanted = count;
    this.fetch();
  }

  fetch(): void {
    this.#again = true;
    if (this.#wanted > 0 && !this.#signal.aborted) this.#fetching ??= this.#fetch();
  }

  async #fetch(): Promise<void> {
    const { broker, flaws, topic, group, owner, leaseMs } = this.#source.reading;
    let full = false;
    try {
      while ((this.#again || full) && this.#wanted > 0 && !this.#signal.aborted && !this.#link.broken) {
        this.#again = false;
        const most = flaws.has("fetches as much as it can, whatever is wanted") ? 1000 : Math.min(this.#wanted, BATCH);
        const [epoch, untilMs] = [this.#epoch, monotonicMs() + leaseMs];
        const lentMs = flaws.has("claims what is lent") ? 0 : leaseMs;
        const newFirst = flaws.has("reads new entries before those given back");
        const lent = await this.#link.call(() => broker.fetch(topic, group, owner, most, lentMs, newFirst));
        if (flaws.has("lends an entry to two members"))
          broker.lendAgain(
            topic,
            group,
            lent.filter(({ source }) => source === "new").map(({ offset }) => offset),
          );
        this.#take(flaws.has("hands out backwards") ? lent.toReversed() : lent, epoch, untilMs);
        full = lent.length >= most;
      }
    } catch (error) {
      if (this.#link.broken) return; // the next one fetches
      this.#source.lose([...this.#source.held.keys()]); // its topic or group was deleted
      this.#intake.fail(error);
    } finally {
      this.#fetching = undefined;
    }
  }

  #take(lent: readonly Lent[], epoch: number, untilMs: number): void {
    const { flaws } = this.#source.reading;
    for (const entry of lent) {
      if (flaws.has("reads nothing but what it claims after a lease") && entry.source === "new") continue;
      const hoards = flaws.has("fetches as much as it can, whatever is wanted");
      if (epoch !== this.#epoch || this.#signal.aborted || (this.#wanted <= 0 && !hoards)) this.#source.releasing.add(entry.offset);
      else this.#deliver(entry, untilMs);
    }
    this.release();
  }

  #deliver(entry: Lent, untilMs: number): void {
    const { flaws } = this.#source.reading;
    try {
      const message = decode(entry, flaws);
      this.#source.held.set(entry.offset, untilMs);
      this.#wanted--; // first: delivering may ask for more
      this.#intake.deliver(message);
    } catch (error) {
      if (flaws.has("stops at what cannot be decoded")) this.#wanted = Number.NEGATIVE_INFINITY;
      void this.#stepOver(entry, error);
    }
  }

  /** Stays lent when the dead letter fails, and comes again after the lease. */
  async #stepOver({ offset, bytes }: Lent, error: unknown): Promise<void> {
    const { broker, flaws, topic, group, owner } = this.#source.reading;
    try {
      const record = { position: String(offset), payload: new Uint8Array(Buffer.from(bytes)), error };
      const telling = flaws.has("says nothing of what cannot be decoded") ? undefined : this.#intake.undecodable(record);
      await (flaws.has("steps over what its dead letter did not take") ? telling?.catch(() => {}) : telling);
      if (!flaws.has("acks nothing that cannot be decoded")) await this.#link.call(() => broker.settle(topic, group, owner, [offset]));
    } catch {}
  }

  async settle(verdicts: readonly Settlement<Lent>[]): Promise<void> {
    const { broker, flaws, topic, group, owner } = this.#source.reading;
    const all = verdicts.map(({ message }) => message.receipt.offset);
    const offsets = flaws.has("forgets every tenth ack") ? all.filter((offset) => offset % 10 !== 9) : all;
    const answer = this.#link.call(() => broker.settle(topic, group, owner, offsets));
    if (flaws.has("settles before the broker has answered")) {
      answer.catch(() => {});
      return;
    }
    try {
      const refused = await answer;
      for (const offset of all) this.#source.held.delete(offset);
      this.#source.lose(refused);
    } catch (error) {
      if (!flaws.has("takes no refusal of the broker for an answer")) throw error;
    }
  }

  giveBack(messages: readonly Received<Lent>[]): void {
    this.#epoch++;
    for (const { receipt } of messages) {
      this.#source.held.delete(receipt.offset);
      this.#source.releasing.add(receipt.offset);
    }
    this.release();
  }

  /** Tells the broker what it may lend to others. What it does not hear is told by the next session. */
  release(): void {
    const { broker, flaws, topic, group, owner } = this.#source.reading;
    const { releasing } = this.#source;
    if (releasing.size === 0 || flaws.has("gives nothing back")) return;
    const offsets = [...releasing];
    this.#link
      .call(() => broker.release(topic, group, owner, offsets))
      .then(() => {
        for (const offset of offsets) releasing.delete(offset);
      })
      .catch(() => {});
  }

  async renew(): Promise<void> {
    const { broker, flaws, topic, group, owner, leaseMs } = this.#source.reading;
    const offsets = [...this.#source.held.keys()];
    if (offsets.length === 0 || flaws.has("renews no lease")) return;
    const untilMs = monotonicMs() + leaseMs;
    try {
      const lost = await this.#link.call(() => broker.renew(topic, group, owner, offsets, leaseMs));
      for (const offset of offsets) if (this.#source.held.has(offset)) this.#source.held.set(offset, untilMs);
      this.#source.lose(lost.filter((offset) => this.#source.held.has(offset)));
    } catch {
      // The link is lost: the next session renews what is left.
    }
  }

  holds({ receipt }: Received<Lent>): boolean {
    return this.#source.holds(receipt.offset);
  }

  describe({ receipt }: Received<Lent>): Partial<Delivery> {
    const position = this.#source.reading.flaws.has("sees no position") ? "0" : String(receipt.offset);
    return { position, publishedAt: new Date(receipt.atMs) };
  }

  lag(): number | undefined {
    const { broker, flaws, topic, group } = this.#source.reading;
    try {
      return broker.lag(topic, group, !flaws.has("counts as lag only what nobody has fetched"));
    } catch (error) {
      if (MillraceError.is(error)) return undefined; // deleted meanwhile
      throw error;
    }
  }

  async caughtUp(): Promise<boolean> {
    const { broker, flaws, topic, group } = this.#source.reading;
    if (flaws.has("always says that it is caught up")) return true;
    if (flaws.has("never says that it is caught up") || this.#fetching !== undefined) return false;
    return await this.#link.call(() => broker.nothingLeft(topic, group));
  }

  /** A session that broke leaves what was delivered to the next one. */
  async close(): Promise<void> {
    const { broker, flaws, topic, group, owner } = this.#source.reading;
    if (this.#signal.aborted && !flaws.has("releases nothing when it closes")) {
      await this.#fetching;
      await this.#link.call(() => broker.leave(topic, group, owner)).catch(() => {});
    }
    this.#link.close();
  }
}
