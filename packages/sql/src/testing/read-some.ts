import type { ReceivedMessage, Subscription } from "millrace";
import { starvedMs } from "millrace/conformance";

/** Reads and acks `count` messages. */
export async function readSome(subscription: Subscription, count: number): Promise<ReceivedMessage[]> {
  const found: ReceivedMessage[] = [];
  if (count === 0) return found;
  for await (const message of subscription) {
    message.ack();
    found.push(message);
    if (found.length === count) break;
  }
  return found;
}

/** The next message, unsettled. */
export async function takeOne(subscription: Subscription): Promise<ReceivedMessage> {
  for await (const message of subscription) return message;
  throw new Error("the subscription ended");
}

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
