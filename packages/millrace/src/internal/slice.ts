import { laterTurn, monotonicMs, wallMs } from "./timers.ts";

/**
 * One time budget for all loops of the library together. Loops that run on resolved promises never let the event loop turn
 * by themselves: timers and sockets would starve. Each loop asks `sliceSpent()` once an item and, when it answers true,
 * awaits `nextTurn()` before it goes on.
 */
const SLICE_MS = 8;
const STRIDE = 16;

let countdown = STRIDE;
let stride = STRIDE;
let openedAt = 0;
let open = false;
let lastLook = 0;
let turn: Promise<void> | undefined;
let turnMs = 0;
const HAS_IMMEDIATE = typeof globalThis.setImmediate === "function";
/** Whom turns were asked of. A clock for tests that takes its place, or leaves it, takes along what it was asked for. */
let asked: unknown = globalThis.setImmediate;

/** True when this turn of the event loop has been used for 8 ms. Reads the clock only once in several calls. */
export function sliceSpent(): boolean {
  return --countdown > 0 ? false : look();
}

function look(): boolean {
  knowClock();
  const now = monotonicMs();
  if (!open) {
    open = true;
    openedAt = now;
    lastLook = now;
    stride = STRIDE;
    countdown = stride;
    laterTurn(close);
    return false;
  }
  // Items that take long are looked at one by one, so that a slow handler is never followed by a blind stretch.
  stride = now - lastLook > 0.5 ? 1 : STRIDE;
  lastLook = now;
  countdown = stride;
  if (now - openedAt < SLICE_MS) return false;
  countdown = 1; // whoever asks next in this turn is told the same
  return true;
}

function close(): void {
  open = false;
}

/** Begins anew with another clock: what was asked of the former one will never come. */
function knowClock(): void {
  if (!HAS_IMMEDIATE || asked === setImmediate) return; // by its bare name, which compiled code reads as a constant
  asked = globalThis.setImmediate;
  open = false;
  turn = undefined;
  turnMs = 0;
}

/** Milliseconds since the epoch, looked up once per turn of the event loop: cheap enough to stamp every message with. */
export function coarseMs(): number {
  knowClock();
  if (turnMs === 0) {
    turnMs = wallMs();
    laterTurn(forget);
  }
  return turnMs;
}

function forget(): void {
  turnMs = 0;
}

/** Resolves in the next turn of the event loop; shared by all who wait for it. */
export function nextTurn(): Promise<void> {
  knowClock();
  turn ??= new Promise((resolve) =>
    laterTurn(() => {
      turn = undefined;
      open = false;
      resolve();
    }),
  );
  return turn;
}
