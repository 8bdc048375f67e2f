import type { Call } from "./call.ts";
import { tokenOf } from "./identity.ts";

/** The calls of one topic and key that are in hand, in order. */
export interface Line {
  readonly name: string;
  last: Call | undefined;
  /**
   * The first of those that went back and have not come again. Whatever comes before it was handed out before that, and was on its way to
   * the router: it goes back as well.
   */
  awaits: unknown;
  awaitsOrder: number;
  /** Went back for that reason. One that comes again all the same shows that nobody is on his way any more. */
  readonly returned: Set<unknown>;
  /** They have failed and are not judged yet, as others are before them: nothing more begins. */
  stops: Set<Call> | undefined;
}

/** Most lines without a call that are remembered for what they await. */
const MOST_EMPTY = 10_000;

/**
 * Who stands before whom. A call that is in a line gets its verdict only when all before it have had theirs, and goes back when one of
 * them did.
 */
export class Lines {
  readonly #lines: Map<string, Line> = new Map();
  readonly #several: boolean;

  /** `several`: the broker hands out several messages of one key at a time, so that some may be on their way when one goes back. */
  constructor(several: boolean) {
    this.#several = several;
  }

  /** Somebody stands in one, or is awaited: asked for every message. */
  any = false;

  enter(call: Call, name: string): void {
    let line = this.#lines.get(name);
    if (line === undefined) {
      line = { name, last: undefined, awaits: undefined, awaitsOrder: 0, returned: new Set(), stops: undefined };
      this.#lines.set(name, line);
      this.any = true;
    } else if (line.awaits !== undefined) look(line, call);
    call.line = line;
    call.before = line.last;
    if (line.last !== undefined) line.last.behind = call;
    line.last = call;
  }

  /** The call goes back from its place: from now on the line awaits it. */
  await(call: Call): void {
    const { line } = call;
    if (line === undefined || !this.#several || (line.awaits !== undefined && line.awaitsOrder <= call.order)) return; // behind one that is awaited already
    line.awaits = tokenOf(call);
    line.awaitsOrder = call.order;
    line.returned.clear();
    if (this.#lines.size > MOST_EMPTY) this.#clean();
  }

  /** Until it is over, nothing of its line begins that has not begun. */
  stop(call: Call): void {
    const { line } = call;
    if (line === undefined) return;
    line.stops ??= new Set();
    line.stops.add(call);
  }

  leave(call: Call): void {
    const { line } = call;
    if (line === undefined) return;
    this.#unlink(call, line);
    if (line.stops?.delete(call) !== true || line.stops.size > 0) return;
    for (let later = line.last; later !== undefined; later = later.before) later.onAhead();
  }

  #unlink(call: Call, line: Line): void {
    const { before, behind } = call;
    call.line = undefined;
    call.before = undefined;
    call.behind = undefined;
    if (before !== undefined) before.behind = behind;
    if (behind !== undefined) {
      behind.before = before;
      behind.onAhead();
      return;
    }
    line.last = before;
    if (before === undefined && line.awaits === undefined) this.#drop(line.name);
  }

  #clean(): void {
    for (const [name, { last }] of this.#lines) {
      if (this.#lines.size <= MOST_EMPTY / 2) return;
      if (last === undefined) this.#drop(name);
    }
  }

  #drop(name: string): void {
    this.#lines.delete(name);
    this.any = this.#lines.size > 0;
  }
}

/** Somebody comes to a line that awaits one that went back. */
function look(line: Line, call: Call): void {
  const token = tokenOf(call);
  if (token === line.awaits || token === undefined || line.returned.has(token)) {
    line.awaits = undefined;
    line.returned.clear();
    return;
  }
  line.returned.add(token);
  call.overtaken = true;
}
