import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { type Capabilities, connect, type PubSub } from "millrace";
import type { Broker } from "../../scripts/brokers/broker.ts";
import { Fault, type FaultKind } from "./fault.ts";
import { JournalReader, JournalWriter } from "./journal.ts";
import { KIND } from "./kinds.ts";
import type { MemberProcess } from "./member-process.ts";
import { Members } from "./members.ts";
import { Publishing } from "./publishing.ts";
import { RecentAcks } from "./recent-acks.ts";
import { CONTROLLER, SoakChecks } from "./soak-checks.ts";
import type { SoakPlan } from "./soak-plan.ts";
import { ADAPTERS, soakUrl } from "./targets.ts";

/** Several members share its work, and are killed, join and leave. */
const SHARED = "shared";
/** One member at a time, so that order holds on every broker. It is killed as well. */
const ALONE = "alone";
const SHARED_MEMBERS = 3;
/** Every so many kills strike the group of one. */
const ALONE_EVERY = 4;
/** What a log may repeat beyond what was in hand: the contract's `maxGap`. */
const MAX_GAP = 10_000;
/**
 * A broker that is killed may forget acks that it took just before: RabbitMQ's classic queues write them within 200 ms, and no client learns
 * when. What this allows is shown beside the rest.
 */
const UNWRITTEN_MS = 500;
const PATIENCE_MS = 120_000;
const LOOK_MS = 10;
/** How much of the messages between two faults is published before the first of them. */
const BEFORE = 0.3;
const LEAD = 0.05;
const A_FEW = 200;

export interface SoakSettings {
  readonly broker: Broker;
  readonly capabilities: Capabilities;
  readonly plan: SoakPlan;
  tell(text: string): void;
}

/** One run. `run` does it all; afterwards the rest can be looked at. */
export class Soak {
  readonly settings: SoakSettings;
  readonly publishing: Publishing;
  readonly checks: SoakChecks;
  ms = 0;
  readonly #folder: string = mkdtempSync(join(tmpdir(), "millrace-soak-"));
  readonly #journal: JournalWriter;
  readonly #reader: JournalReader;
  readonly #bus: PubSub;
  readonly #topic: string = `soak-${process.pid}-${Math.round(performance.timeOrigin).toString(36)}`;
  readonly #members: Members;
  readonly #remove = (): void => rmSync(this.#folder, { recursive: true, force: true });
  readonly #recentAcks: RecentAcks = new RecentAcks(UNWRITTEN_MS);
  #broken: Error | undefined;

  static async open(settings: SoakSettings): Promise<Soak> {
    return new Soak(settings, await connect(soakUrl(settings.broker), ADAPTERS));
  }

  private constructor(settings: SoakSettings, bus: PubSub) {
    const { plan, capabilities } = settings;
    const path = join(this.#folder, "journal");
    process.once("exit", this.#remove);
    this.settings = settings;
    this.#bus = bus;
    this.#journal = new JournalWriter(path, CONTROLLER);
    this.#reader = new JournalReader(path);
    this.publishing = new Publishing({ publisher: bus, topic: this.#topic, count: plan.messages, perSecond: plan.perSecond });
    const perKey = capabilities.ordering === "per-key";
    const ordered = capabilities.ordering !== "none";
    const orders = { [SHARED]: { acrossMembers: perKey, oneMemberPerKey: perKey }, [ALONE]: { acrossMembers: ordered, oneMemberPerKey: ordered } };
    this.checks = new SoakChecks(plan.messages, orders, this.publishing.sentAgain);
    this.#members = new Members({ url: soakUrl(settings.broker), topic: this.#topic, journal: path }, (text) => this.checks.problems.add(text));
  }

  /** Throws when something stands still; what else is wrong is in `checks.problems`. */
  async run(): Promise<void> {
    const begun = performance.now();
    try {
      for (const group of [SHARED, ALONE]) await this.#bus.provision?.(this.#topic, { group });
      await Promise.all([...Array.from({ length: SHARED_MEMBERS }, () => SHARED), ALONE].map((group) => this.#join(group)));
      const publishing = this.publishing.run();
      publishing.catch((error: unknown) => {
        this.#broken = new Error("publishing ended", { cause: error });
      });
      await this.#strike();
      await this.#await("everything is confirmed", () => this.publishing.confirmed === this.settings.plan.messages);
      await this.#await("everything is handled", () => this.checks.handledTo === this.settings.plan.messages);
      await publishing;
      await Promise.all(this.#members.all.map((member) => this.#members.leave(member)));
      this.#read();
    } finally {
      this.ms = performance.now() - begun;
      await this.#end();
    }
    for (const fault of this.checks.faults) for (const text of fault.problems()) this.checks.problems.add(text);
  }

  async #strike(): Promise<void> {
    const { plan, tell } = this.settings;
    const part = plan.messages / (plan.faults.length + 1);
    const kinds: Partial<Record<FaultKind, number>> = {};
    for (const [number, kind] of plan.faults.entries()) {
      const nth = kinds[kind] ?? 0;
      kinds[kind] = nth + 1;
      const begin = Math.floor((number + BEFORE) * part);
      this.#allow(begin);
      await this.#await(`${begin} messages are handled`, () => this.checks.handledTo >= begin);
      // From here on publishing goes on, into the fault and through it.
      this.#allow(Math.floor((number + 1) * part));
      await this.#await("publishing goes on", () => this.checks.handledTo >= begin + LEAD * part);
      const fault = await this.#cause(number, kind, nth);
      const { publishing, checks } = this;
      tell(
        `${publishing.confirmed} published, ${checks.handledTo} handled: ${kind}, healed after ${Math.round(fault.healedMs)} ms, ${fault.duplicates} handed out again (at most ${fault.bound})`,
      );
    }
    this.publishing.limit = plan.messages;
  }

  async #cause(number: number, kind: FaultKind, nth: number): Promise<Fault> {
    const group = kind === "restart" ? undefined : kind === "kill" && nth % ALONE_EVERY === ALONE_EVERY - 1 ? ALONE : SHARED;
    const working = await this.#atWork(group ?? SHARED);
    const victim = kind === "kill" || kind === "leave" ? working : undefined;
    const gap = this.settings.capabilities.replay ? MAX_GAP : 0;
    const fault = new Fault(number, kind, { group, victim: victim?.id, gap });
    this.checks.faults.push(fault);
    const begun = performance.now();
    this.#journal.write(KIND.faultBegun, number);
    await this.#act(fault, victim);
    const awaited = this.publishing.confirmedTo;
    await this.#await(`all ${awaited} messages published before fault ${number + 1} (${kind}) are handled`, () => this.checks.handledTo >= awaited);
    this.#journal.write(KIND.faultEnded, number);
    fault.healedMs = performance.now() - begun;
    this.#read();
    return fault;
  }

  /** A member that has messages in hand at this moment. */
  async #atWork(group: string): Promise<MemberProcess> {
    let found: MemberProcess | undefined;
    await this.#await(`a member of ${group} is at work`, () => {
      found = this.#members.of(group).find((member) => this.#inFlight(member) > 0);
      // On a slow machine all that was allowed may be handled by now.
      if (found === undefined && this.checks.handledTo >= this.publishing.limit) this.#allow(this.publishing.limit + A_FEW);
      return found !== undefined;
    });
    return found as MemberProcess;
  }

  #allow(limit: number): void {
    this.publishing.limit = Math.min(this.settings.plan.messages, Math.max(this.publishing.limit, limit));
  }

  async #act(fault: Fault, victim: MemberProcess | undefined): Promise<void> {
    if (fault.kind === "restart") {
      const begun = performance.now();
      await this.settings.broker.kill();
      this.#read();
      fault.unwritten = this.#recentAcks.count;
      await this.settings.broker.start();
      fault.awayMs = performance.now() - begun;
    } else if (fault.kind === "join") await this.#join(SHARED);
    else if (victim !== undefined && fault.kind === "leave") await this.#members.leave(victim);
    else if (victim !== undefined) {
      await this.#members.kill(victim);
      await this.#join(victim.group);
    }
  }

  async #join(group: string): Promise<void> {
    const { id } = this.#members.add(group);
    this.checks.expect(id, group);
    await this.#await(`member ${id} has subscribed`, () => this.checks.group(group).member(id).ready);
  }

  #inFlight({ id, group }: MemberProcess): number {
    return this.checks.group(group).member(id).inFlight;
  }

  /** Waits, and reads what the members tell. Throws when nothing moves any more. */
  async #await(what: string, holds: () => boolean): Promise<void> {
    let handled = -1;
    let deadline = 0;
    for (;;) {
      this.#read();
      if (this.#broken !== undefined) throw this.#broken;
      if (holds()) return;
      const now = this.checks.groups.reduce((sum, { handOuts }) => sum + handOuts, this.publishing.confirmed);
      if (now !== handled) deadline = performance.now() + PATIENCE_MS;
      handled = now;
      if (performance.now() > deadline) throw new Error(`nothing has moved for ${PATIENCE_MS / 1000} s while waiting until ${what}\n${this.#state()}`);
      await wait(LOOK_MS);
    }
  }

  #read(): void {
    while (this.#reader.read(this.checks));
    const acks = this.checks.groups.reduce((sum, group) => sum + group.acks, 0);
    this.#recentAcks.note(performance.now(), acks);
  }

  #state(): string {
    const groups = this.checks.groups.map(
      ({ group, handledTo, missing }) => `${group}: handled to ${handledTo}, ${missing.length} missing beyond: ${missing.slice(0, 5).join(", ")}`,
    );
    const members = this.#members.all.map(
      ({ id, group, log }) => `member ${id} of ${group}: ${this.#inFlight({ id, group } as MemberProcess)} in flight\n${log.slice(-1500)}`,
    );
    return [`confirmed ${this.publishing.confirmed} of ${this.settings.plan.messages}`, ...groups, ...members, ...this.checks.problems.shown].join("\n");
  }

  async #end(): Promise<void> {
    this.publishing.stop();
    await this.#members.killAll();
    await this.#bus.close().catch((error: unknown) => this.checks.problems.add(`closing failed: ${String(error)}`));
    this.#journal.close();
    this.#reader.close();
    process.off("exit", this.#remove);
    this.#remove();
  }
}
