import type { Unit } from "../life/unit.ts";
import { longestDelayMs } from "../plan/program.ts";
import { checkOutputs } from "./check-outputs.ts";
import { drive, pass, settle } from "./drive.ts";
import type { Steps } from "./steps.ts";
import type { World } from "./world.ts";

/** The longest that anything may take once nothing fails any more. */
const LONGEST_MS = 30_000;
const LOOK_MS = 250;
/** What comes again, and should not, comes within this time; and health has forgotten a failed message that another member took, once it was due. */
const AFTER_MS = 6500;

/** The end of a program: nothing fails any more, everybody is there again, and everything has to be settled. */
export class Ending {
  readonly #world: World;
  readonly #units: readonly Unit[];
  readonly #steps: Steps;

  constructor(world: World, units: readonly Unit[], steps: Steps) {
    this.#world = world;
    this.#units = units;
    this.#steps = steps;
  }

  async play(): Promise<void> {
    const { ledger, program } = this.#world;
    ledger.note("-- the end");
    if (program.leaves) {
      await this.#leave();
      return;
    }
    await this.#calm();
    await this.#settle();
    if (ledger.dead) return;
    this.#checkLeft();
    checkOutputs(ledger);
    const hopeless = [...ledger.relays.values()].some((relay) => relay.hopeless);
    if (this.#steps.publishing.size > 0 && !hopeless) ledger.complain("publishHangs", `the publish of ${[...this.#steps.publishing][0]} never settled`);
    if (ledger.violations.some(({ rule }) => rule === "lost" || rule === "stuck" || rule === "publishHangs")) {
      await this.#close();
      return;
    }
    await pass(this.#world, AFTER_MS + Math.max(0, ...this.#world.program.handlers.map(longestDelayMs)));
    if (!hopeless) {
      await this.#checkIdle();
      this.#checkStates();
    }
    await this.#close();
    await pass(this.#world, AFTER_MS);
  }

  async #calm(): Promise<void> {
    const { faults, release } = this.#world;
    faults.stop();
    release.calm = true;
    for (const letGo of release.waiting) letGo();
    await this.#steps.readersLeave();
    for (const unit of this.#units) await unit.restore();
  }

  /** Lets time pass until nothing is left to do, or it takes too long. */
  async #settle(): Promise<void> {
    const { ledger } = this.#world;
    const began = ledger.now;
    const settled = (): boolean => this.#left().length === 0 && this.#steps.publishing.size === 0 && !this.#working();
    while (ledger.now < began + LONGEST_MS + this.#throttledMs() && !ledger.dead && !settled()) await pass(this.#world, LOOK_MS);
    await settle(this.#world);
  }

  /** Some message is done with, but its middleware is not. */
  #working(): boolean {
    for (const book of this.#world.ledger.books.values()) {
      for (const { handlings } of book.tracks.values()) {
        if (handlings.some((handling) => handling.endedAt === undefined && !handling.lost && !handling.leftBehind)) return true;
      }
    }
    return false;
  }

  /** As long as throttles may take, when each message goes through them a few times. */
  #throttledMs(): number {
    const { ledger } = this.#world;
    let sum = 0;
    for (const { plan, tracks } of ledger.books.values()) {
      for (const layer of plan.middleware ?? []) if (layer.use === "throttle") sum += layer.intervalMs * (tracks.size + 1) * 4;
    }
    return sum;
  }

  /** What is not done, and where. */
  #left(): readonly string[] {
    const { ledger } = this.#world;
    const left: string[] = [];
    for (const book of ledger.books.values())
      for (const track of book.tracks.values()) if (!track.settled && !track.unseen) left.push(`${track.text} of ${book.name}`);
    for (const relay of ledger.relays.values()) left.push(...relay.left().map((text) => `${text} of ${relay.name}`));
    return left;
  }

  /** Of the messages that are left, those whose publisher was told that they are there. */
  #confirmedLeft(): readonly string[] {
    const { ledger } = this.#world;
    const tracks = [...ledger.books.values()].flatMap((book) => [...book.tracks.values()]);
    return tracks.filter((track) => !track.settled && !track.unseen && ledger.isConfirmed(track.text)).map(({ text }) => text);
  }

  #checkLeft(): void {
    const { ledger, logger } = this.#world;
    const left = this.#left();
    if (left.length > 0) {
      const states = this.#units.flatMap((unit) => Object.entries(unit.core.health().handlers));
      const held = states.filter(([, { inFlight, held: waiting }]) => inFlight + waiting > 0);
      const told = states.map(([name, { state, inFlight, held: waiting }]) => `${name} is ${state}, ${inFlight} in flight, ${waiting} held`).join("; ");
      ledger.complain(held.length === 0 ? "lost" : "stuck", `${left.join(", ")} was never done with: ${told}`);
    }
    const unseen = [...ledger.books.values()].flatMap((book) => [...book.tracks.values()].filter((track) => track.unseen && track.doneAt === undefined));
    if (unseen.length > 0 && logger.loud === 0)
      ledger.complain("silentLoss", `${unseen[0]?.text} was published before anybody was there, and no line says that it is gone`);
  }

  async #checkIdle(): Promise<void> {
    const { ledger } = this.#world;
    for (const unit of this.#units) {
      if (!(await drive(this.#world, unit.core.idle(), 1000))) ledger.complain("idleHangs", "all is done, and idle does not come");
    }
  }

  #checkStates(): void {
    const { ledger } = this.#world;
    for (const unit of this.#units) {
      for (const [name, { state, attempts, inFlight, lag }] of Object.entries(unit.core.health().handlers)) {
        if (state !== "running") ledger.complain("state", `all is done, and ${name} is ${state}`);
        if (attempts > 0) ledger.complain("state", `all is done, and ${name} tells of ${attempts} attempts`);
        if (inFlight > 0) ledger.complain("state", `all is done, and ${name} tells of ${inFlight} in flight`);
        if ((lag ?? 0) > 0) ledger.complain("lag", `all is done, and the lag of ${name} is ${lag}`);
      }
    }
  }

  async #close(): Promise<void> {
    for (const unit of this.#units) await unit.close(1000);
    if (!(await drive(this.#world, this.#world.bus.close(), 5000))) this.#world.ledger.complain("endLate", "the pub/sub does not close");
  }

  /** Closes with messages left: a pub/sub that forgets them has to say so. */
  async #leave(): Promise<void> {
    const { ledger, logger, program } = this.#world;
    const before = logger.loud;
    for (const unit of this.#units) await unit.close(200);
    const left = this.#confirmedLeft();
    // A group that nobody provisioned goes with its last member: that is when it has to be said.
    const loud = program.handlers.some((plan) => plan.unprovisioned) ? before : logger.loud;
    await drive(this.#world, this.#world.bus.close(), 35_000);
    if (left.length > 0 && logger.loud === loud && (program.on === "memory" || program.on === "persistent")) {
      ledger.complain("silentLoss", `the pub/sub closed with ${left.length} messages left, and no line says so`);
    }
  }
}
