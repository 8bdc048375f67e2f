import { MemoryPubSub, Message, Router } from "millrace";
import type { Case } from "../harness/case.ts";
import { quantile } from "../harness/quantile.ts";

export interface LatencyMemorySettings {
  readonly count: number;
}

/**
 * From the call of publish to the call of the handler: with one message under way at a time, and at half of the rate that this
 * process has just been seen to bear, where what is due in a turn of the event loop is sent in that turn.
 */
export const run: Case<LatencyMemorySettings> = async ({ count }) => {
  const bus = new MemoryPubSub();
  const router = new Router({ subscriber: bus, owns: [bus] });
  const sentAt = new Float64Array(count);
  const taken = new Float64Array(count);
  let handled = 0;
  router.addConsumerHandler({
    name: "time",
    subscribe: "topic",
    handle: () => {
      taken[handled] = performance.now() - (sentAt[handled] as number);
      handled++;
    },
  });
  await router.start();
  const payload = new Uint8Array(16);
  const publish = async (until: (sent: number) => number): Promise<void> => {
    handled = 0;
    for (let sent = 0; sent < count; ) {
      for (const due = Math.min(count, until(sent)); sent < due; sent++) {
        sentAt[sent] = performance.now();
        await bus.publish("topic", new Message(payload));
      }
      if (sent < count) await new Promise((resolve) => setImmediate(resolve));
    }
    await router.idle();
  };
  await publish(() => count);
  const began = performance.now();
  await publish(() => count);
  const perMs = count / (performance.now() - began);
  const halfBegan = performance.now();
  await publish(() => ((performance.now() - halfBegan) * perMs) / 2);
  const half = quantiles("half", taken);
  await publish((sent) => sent + 1);
  const figures = { perSecond: perMs * 1000, ...half, ...quantiles("one", taken) };
  await router.close();
  return figures;
};

function quantiles(name: string, values: Float64Array): Record<string, number> {
  return { [`${name}P50Ms`]: quantile(values, 0.5), [`${name}P99Ms`]: quantile(values, 0.99), [`${name}MaxMs`]: quantile(values, 1) };
}
