import { sleep } from "millrace/adapter";

/** Resolves when the condition holds; fails with `what` after `timeoutMs`. Returns how long it took, in milliseconds. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, timeoutMs = 20_000): Promise<number> {
  const began = performance.now();
  while (!(await condition())) {
    if (performance.now() - began > timeoutMs) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
    await sleep(10);
  }
  return performance.now() - began;
}
