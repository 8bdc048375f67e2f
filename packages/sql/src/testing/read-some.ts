import type { ReceivedMessage, Subscription } from "millrace";

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

/** How late a 10 ms interval was at most, since the start. */
export function latenessMeter(): () => number {
  let last = performance.now();
  let worst = 0;
  const handle = setInterval(() => {
    const now = performance.now();
    worst = Math.max(worst, now - last - 10);
    last = now;
  }, 10);
  return () => {
    clearInterval(handle);
    return Math.max(worst, performance.now() - last - 10);
  };
}
