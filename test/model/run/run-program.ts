import type { PubSub } from "millrace";
import { Faults } from "../around/faults.ts";
import { Gate } from "../around/gate.ts";
import { ModelLogger } from "../around/model-logger.ts";
import { openBus } from "../around/open-bus.ts";
import { ActBook } from "../handlers/act-book.ts";
import { GroupBook } from "../ledger/group-book.ts";
import { Ledger } from "../ledger/ledger.ts";
import { RelayBook } from "../ledger/relay-book.ts";
import type { Violation } from "../ledger/violation.ts";
import { BOX, FAN_IN_SOURCES, relayCore } from "../life/relay-core.ts";
import { routerCore } from "../life/router-core.ts";
import { Unit } from "../life/unit.ts";
import { LossyPubSub } from "../lossy/lossy-pubsub.ts";
import type { Program } from "../plan/program.ts";
import { Ending } from "./ending.ts";
import { Ground } from "./ground.ts";
import { Steps } from "./steps.ts";
import type { World } from "./world.ts";

export interface Outcome {
  /** What the program broke, the first of each kind. */
  readonly violations: readonly Violation[];
  /** What happened, line by line. */
  readonly lines: readonly string[];
}

export interface RunOptions {
  /** Stands between everybody and the pub/sub: to see whether what it does wrong is noticed. */
  readonly tamper?: ((bus: PubSub) => PubSub) | undefined;
}

/** Runs a program on a clock of its own and tells what it broke. Takes no real time to speak of; never two at once. */
export async function runProgram(program: Program, options: RunOptions = {}): Promise<Outcome> {
  using ground = new Ground();
  const ledger = new Ledger(program, () => ground.nowMs);
  ground.listenFor(ledger);
  try {
    await play(program, ledger, ground, options);
  } catch (error) {
    ledger.complain("invalid", error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  return { violations: ledger.violations, lines: ledger.lines };
}

async function play(program: Program, ledger: Ledger, ground: Ground, { tamper }: RunOptions): Promise<void> {
  const logger = new ModelLogger(program.brokenLogger === true, (line) => ledger.note(line));
  const opened = openBus(program, ledger, logger);
  const relay = program.handlers.find(({ kind }) => kind === "forwarder" || kind === "fanIn");
  const carried = new Set(relay === undefined ? program.handlers.map(({ from = "t0" }) => from) : FAN_IN_SOURCES);
  const world: World = {
    program,
    clock: ground.clock,
    luck: ground.luck,
    ledger,
    logger,
    faults: new Faults(),
    gate: new Gate(),
    release: { calm: false, waiting: new Set() },
    bus: tamper?.(opened) ?? opened,
    lossy: opened instanceof LossyPubSub ? opened : undefined,
    carried,
  };
  const units = relay === undefined ? await routers(world) : await relays(world, relay);
  const steps = new Steps(world, units);
  for (const step of program.steps) {
    await steps.take(step);
    if (ledger.dead) return;
  }
  await new Ending(world, units, steps).play();
}

async function routers(world: World): Promise<Unit[]> {
  const { program, ledger, bus } = world;
  const books = program.handlers.map((plan, index) => new GroupBook(ledger, `h${index}`, plan));
  for (const book of books) {
    ledger.books.set(book.name, book);
    if (book.seen) await bus.provision?.(book.plan.from ?? "t0", { group: book.name });
  }
  const acts = new ActBook(program, world.release);
  return Array.from({ length: program.members ?? 1 }, (_, member) => {
    const core = routerCore({ world, member, books, acts, end: async (what, name) => await unit.endInside(what, name) });
    const unit: Unit = new Unit(world, member, core, books);
    return unit;
  });
}

async function relays(world: World, plan: Program["handlers"][number]): Promise<Unit[]> {
  const { program, ledger, bus } = world;
  const topics = plan.kind === "forwarder" ? [BOX] : FAN_IN_SOURCES;
  for (const topic of topics) {
    const name = plan.kind === "forwarder" ? "forwarder" : `fan_in_${topic}`;
    ledger.relays.set(name, new RelayBook(ledger, name, plan, topic));
    await bus.provision?.(topic, { group: name });
  }
  return Array.from({ length: program.members ?? 1 }, (_, member) => new Unit(world, member, relayCore(world, plan), []));
}
