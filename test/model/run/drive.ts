import type { World } from "./world.ts";

/** Lets so much time pass. What a timer throws would have ended the process. */
export async function pass(world: World, ms: number): Promise<void> {
  const until = world.clock.nowMs + ms;
  // Fractions of milliseconds get lost in so large a number.
  while (world.clock.nowMs < until - 0.01 && !world.ledger.dead) {
    try {
      await world.clock.advance(until - world.clock.nowMs);
    } catch (error) {
      world.ledger.complain("unhandled", `a timer threw: ${String(error)}`);
    }
  }
  await settle(world);
}

/** Lets everything run that needs no time. */
export async function settle(world: World): Promise<void> {
  await world.clock.settle();
}

/** Lets time pass until the promise settles, but no longer than so much. True when it did. */
export async function drive(world: World, promise: Promise<unknown>, ms: number): Promise<boolean> {
  const until = world.clock.nowMs + ms;
  let over = false;
  const end = (): void => {
    over = true;
  };
  promise.then(end, end);
  await settle(world);
  while (!over && !world.ledger.dead) {
    try {
      if (!(await world.clock.next(until - world.clock.nowMs))) break;
    } catch (error) {
      world.ledger.complain("unhandled", `a timer threw: ${String(error)}`);
    }
  }
  if (!over) await pass(world, Math.max(0, until - world.clock.nowMs));
  return over;
}
