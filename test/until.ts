/** Resolves when the condition holds, with how long that took in milliseconds; fails with `what` when it does not in time. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, patienceMs = 20_000): Promise<number> {
  const began = performance.now();
  while (!(await condition())) {
    if (performance.now() - began > patienceMs) throw new Error(`waited ${patienceMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return performance.now() - began;
}
