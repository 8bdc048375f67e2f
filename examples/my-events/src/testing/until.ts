import { setTimeout as sleep } from "node:timers/promises";

/** Asks again and again until `look` gives what is wanted; the last answer is in the error when it never does. */
export async function until<T>(look: () => Promise<T>, wanted: (answer: T) => boolean, withinMs = 15_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    let answer: T | undefined;
    let failure: unknown;
    try {
      answer = await look();
      if (wanted(answer)) return answer;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms; the last answer was ${JSON.stringify(answer)}`, { cause: failure });
    await sleep(25);
  }
}
