import { equalBackoffMs, sleep } from "millrace/adapter";
import { amqpError } from "./amqp-error.ts";

const TRIES = 5;

/** Runs what may be run as often as one likes, and again when a connection that others use too broke under it. Rejects with the last error. */
export async function tryAgain<T>(run: () => Promise<T>, doing: string, signal?: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      const known = amqpError(error, doing);
      if (known.code !== "CONNECTION_LOST" || attempt === TRIES) throw known;
      await sleep(equalBackoffMs(attempt, 50, 1_000), signal);
    }
  }
}
