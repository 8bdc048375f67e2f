import { starvedMs } from "millrace/conformance";

/** Waits until `condition` holds, looking again every few milliseconds. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, patienceMs = 10_000): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${patienceMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** How late a 10 ms interval was at most, since the start; what other programs took from the machine is not counted. */
export function latenessMeter(): () => number {
  const own = (): number => performance.now() - starvedMs();
  let last = own();
  let worst = 0;
  const look = (): void => {
    const now = own();
    worst = Math.max(worst, now - last - 10);
    last = now;
  };
  const handle = setInterval(look, 10);
  return () => {
    clearInterval(handle);
    look();
    return worst;
  };
}
