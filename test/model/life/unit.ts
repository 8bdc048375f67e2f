import type { HandlerHandle } from "millrace";
import type { GroupBook } from "../ledger/group-book.ts";
import { drive, pass, settle } from "../run/drive.ts";
import type { World } from "../run/world.ts";
import type { Core } from "./core.ts";
import { Leaving } from "./leaving.ts";

/** What a router waits for when it is told nothing else. */
export const DRAIN_MS = 3000;
/** Beyond its time an end may take this long: the last verdicts get half a second, the session as much. */
const GRACE_MS = 1200;
/** An end that waits for nobody takes no longer. */
const PROMPT_MS = 700;

type Phase = "resting" | "starting" | "running" | "closing";

/** One member: a router with all handlers, or a relay. Its life, and whether it is as promised. */
export class Unit {
  readonly member: number;
  readonly core: Core;
  readonly handles: Map<string, HandlerHandle> = new Map();
  readonly paused: Set<string> = new Set();
  readonly stopped: Set<string> = new Set();
  phase: Phase = "resting";
  startedAt = 0;
  /** Ends under way that a handler waits for. */
  #endings = 0;
  readonly #world: World;
  readonly #books: readonly GroupBook[];

  constructor(world: World, member: number, core: Core, books: readonly GroupBook[]) {
    this.#world = world;
    this.member = member;
    this.core = core;
    this.#books = books;
    for (const { name } of books) this.#add(name);
  }

  async start(): Promise<void> {
    if (this.phase !== "resting") return;
    const { ledger, program } = this.#world;
    this.phase = "starting";
    this.startedAt = ledger.now;
    ledger.note(`start${this.#which}`);
    for (const book of this.#books) {
      book.seen = true;
      if (!this.stopped.has(book.name)) book.members[this.member]?.start();
    }
    const starting = this.core.start();
    const told = { error: undefined as unknown };
    starting.then(
      () => {
        if (this.phase === "starting") this.phase = "running";
      },
      (error: unknown) => {
        told.error = error;
        if (this.phase === "starting") this.phase = "resting";
      },
    );
    const began = ledger.now;
    const longest = (program.subscribeMs ?? 0) + 150;
    if (!(await drive(this.#world, starting, longest + 2000))) {
      if (!this.#world.gate.holding) ledger.complain("startSlow", "start does not end");
      return;
    }
    if (told.error !== undefined) {
      ledger.complain("startWrong", `start failed: ${String(told.error)}`);
      return;
    }
    if (ledger.now - began > longest)
      ledger.complain("startSlow", `start took ${Math.round(ledger.now - began)} ms, one subscribe ${program.subscribeMs ?? 0}`);
    await this.#checkStarted();
  }

  /** Not awaited in between. */
  async stopThenStart(name: string): Promise<void> {
    if (this.phase !== "resting" || this.#world.gate.holding) return;
    this.#world.ledger.note(`stop ${name}, not awaited`);
    const handle = this.handles.get(name);
    this.handles.delete(name); // whether it ever starts is not said
    handle?.stop().then(undefined, () => {});
    await this.start();
    if (this.core.health().handlers[name] === undefined) this.#onStopped(name);
  }

  async close(timeoutMs: number | undefined): Promise<void> {
    if (this.phase === "closing") return;
    this.#world.ledger.note(`close${this.#which}`);
    const leaving = this.#leaving("close", this.#books, timeoutMs ?? DRAIN_MS);
    this.phase = "closing";
    const closing = this.core.close(timeoutMs === undefined ? undefined : { timeoutMs });
    const rest = (): void => {
      this.phase = "resting";
    };
    closing.then(rest, rest);
    await this.#leave(leaving, closing);
    if (leaving.over) this.#checkStates();
  }

  async stop(name: string): Promise<void> {
    const handle = this.handles.get(name);
    if (handle === undefined || this.stopped.has(name) || this.phase !== "running") return;
    this.#world.ledger.note(`stop ${name}`);
    const leaving = this.#leaving(
      "stop",
      this.#books.filter((book) => book.name === name),
      DRAIN_MS,
    );
    this.stopped.add(name);
    await this.#leave(leaving, handle.stop());
    let over = !leaving.over;
    void handle.stopped.then(() => {
      over = true;
    });
    await settle(this.#world);
    if (!over) this.#world.ledger.complain("startWrong", `${name} has stopped, and "stopped" does not say so`);
  }

  /** From inside of a handler. */
  async endInside(what: "router" | "handler", name: string): Promise<void> {
    const handle = this.handles.get(name);
    const { ledger, release } = this.#world;
    if (this.phase !== "running" || handle === undefined || this.stopped.has(name) || release.calm) return;
    ledger.note(`${name} ends its ${what}`);
    const whole = what === "router";
    const leaving = this.#leaving(whole ? "close" : "stop", whole ? this.#books : this.#books.filter((book) => book.name === name), whole ? 1000 : DRAIN_MS);
    if (whole) this.phase = "closing";
    else this.stopped.add(name);
    this.#endings++;
    const ending = whole ? this.core.close({ timeoutMs: 1000 }) : handle.stop();
    const over = (): void => {
      this.#endings--;
      leaving.end();
      if (whole) this.phase = "resting";
    };
    // Who asks from inside may be answered before the end: the end comes when its call has ended.
    (whole ? (this.core.closed ?? ending) : handle.stopped).then(over, over);
    await ending.then(undefined, () => {});
    leaving.answer();
  }

  pause(name: string): void {
    if (this.phase === "closing" || !this.handles.has(name)) return;
    this.paused.add(name);
    for (const book of this.#books) if (book.name === name) book.gaveBackAt = this.#world.ledger.now;
    this.handles.get(name)?.pause();
  }

  resume(name: string): void {
    if (!this.paused.delete(name)) return;
    this.handles.get(name)?.resume();
  }

  /** Everything is as it was at the beginning: what hangs is over, what was stopped is there again, nothing is paused. */
  async restore(): Promise<void> {
    const { gate } = this.#world;
    if (this.phase === "starting" && gate.holding) await this.close(500);
    gate.open();
    const unsettled = (): boolean => this.phase === "closing" || this.phase === "starting" || this.#endings > 0;
    for (let round = 0; round < 40 && unsettled(); round++) await pass(this.#world, 250);
    for (const name of this.stopped) await this.#addAgain(name);
    for (const name of [...this.paused]) this.resume(name);
    if (this.phase === "resting") await this.start();
    await settle(this.#world);
  }

  get #which(): string {
    return this.#world.program.members === 2 ? ` member ${this.member}` : "";
  }

  /** Its name is free once the last of it has ended. */
  async #addAgain(name: string): Promise<void> {
    const { ledger } = this.#world;
    const state = (): string | undefined => this.core.health().handlers[name]?.state;
    for (let round = 0; round < 100 && state() === "stopped" && this.phase === "running"; round++) await pass(this.#world, 50);
    this.stopped.delete(name);
    if (state() !== undefined && this.phase === "running") return;
    try {
      this.#add(name);
      for (const book of this.#books) if (book.name === name) book.members[this.member]?.start();
    } catch (error) {
      ledger.complain("startWrong", `${name} was stopped and cannot be added again: ${String(error)}`);
    }
  }

  #add(name: string): void {
    const handle = this.core.add(name);
    if (handle !== undefined) this.handles.set(name, handle);
  }

  #onStopped(name: string): void {
    this.stopped.add(name);
    for (const book of this.#books) if (book.name === name) book.onEnd(this.member, this.#world.ledger.now, Infinity);
  }

  #leaving(what: string, books: readonly GroupBook[], timeoutMs: number): Leaving {
    return new Leaving({ world: this.#world, what, member: this.member, books, timeoutMs, graceMs: GRACE_MS, promptMs: PROMPT_MS });
  }

  async #leave(leaving: Leaving, ending: Promise<void>): Promise<void> {
    const over = await drive(this.#world, ending, leaving.longestMs + 2000);
    if (over) leaving.end();
    else leaving.hang();
  }

  async #checkStarted(): Promise<void> {
    let failed: unknown;
    this.core.started.then(undefined, (error: unknown) => {
      failed = error;
    });
    await settle(this.#world);
    for (const [name, handle] of this.handles) if (!this.stopped.has(name)) handle.started.then(undefined, (error: unknown) => (failed = error));
    await settle(this.#world);
    if (failed !== undefined && this.phase === "running") this.#world.ledger.complain("startWrong", `it runs, and "started" rejects: ${String(failed)}`);
  }

  #checkStates(): void {
    for (const [name, { state }] of Object.entries(this.core.health().handlers)) {
      if (state !== "stopped") this.#world.ledger.complain("closedState", `${name} is ${state} after close`);
    }
  }
}
