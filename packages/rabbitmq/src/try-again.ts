import { MillraceError } from "millrace";
import { whileBusy } from "millrace/adapter";
import { amqpError } from "./amqp-error.ts";

const PATIENCE = { minDelayMs: 50, maxDelayMs: 1_000, patienceMs: 1_500 };

/** Runs what may be run as often as one likes, and again when a connection that others use too broke under it. Rejects with the last error. */
export async function tryAgain<T>(run: () => Promise<T>, doing: string, signal?: AbortSignal): Promise<T> {
  const known = (): Promise<T> =>
    run().catch((error: unknown) => {
      throw amqpError(error, doing);
    });
  return await whileBusy(known, { ...PATIENCE, signal, isBusy: (error) => MillraceError.is(error) && error.code === "CONNECTION_LOST" });
}
