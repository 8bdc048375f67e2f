import { MillraceError } from "../errors/index.ts";
import type { Handler, MaybePromise, Message } from "../message/index.ts";
import type { DeduplicationRepository } from "./deduplication-repository.ts";
import { type Behind, type FixtureMessage, received } from "./received.fixture.ts";

export const failure: Error = new Error("boom");
export const lost: MillraceError = new MillraceError("lost", { code: "DELIVERY_LOST" });
export const everywhere: readonly Behind[] = ["call", "adapter", "nobody"];

interface Counting {
  calls: number;
  readonly handle: Handler;
}

export function counting(run: (call: number, message: FixtureMessage) => MaybePromise<Message | undefined> = () => undefined): Counting {
  const counted: Counting = { calls: 0, handle: (message) => run(++counted.calls, message as FixtureMessage) };
  return counted;
}

/** Hands a message in as a router does: acks it when the chain succeeds, nacks it when it fails. */
export async function deliver(chain: Handler, message: FixtureMessage = received()): Promise<"acked" | "nacked" | "lost"> {
  try {
    await chain(message);
    message.ack();
  } catch {
    message.nack();
  }
  return await message.settled;
}

/** All that follows from what was done so far, without time going on. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class SlowRepository implements DeduplicationRepository {
  readonly keys: Set<string> = new Set();
  error: unknown = undefined;
  async has(key: string): Promise<boolean> {
    await Promise.resolve();
    if (this.error !== undefined) throw this.error;
    return this.keys.has(key);
  }
  async record(key: string): Promise<void> {
    await Promise.resolve();
    if (this.error !== undefined) throw this.error;
    this.keys.add(key);
  }
}
