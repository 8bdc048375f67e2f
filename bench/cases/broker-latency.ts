import { setTimeout as wait } from "node:timers/promises";
import type { Case } from "../harness/case.ts";
import { quantile } from "../harness/quantile.ts";
import { type BrokerClient, type ClientName, GROUP, openClient } from "./broker-client.ts";
import { makeTopic, removeTopic } from "./broker-topic.ts";
import { gathering } from "./gathering.ts";
import { UnderWay } from "./under-way.ts";

export interface BrokerLatencySettings {
  readonly client: ClientName;
  readonly url: string;
  readonly count: number;
  readonly bytes: number;
  /** So many single messages a second. Without it, as many as there can be. */
  readonly perSecond?: number | undefined;
  readonly gather?: boolean | undefined;
}

const MOST_UNDER_WAY = 1000;

/** From the call of publish to the call of the handler, both in one thread. What is due is sent every millisecond, or as soon after as the thread is free. */
export const run: Case<BrokerLatencySettings> = async ({ client: name, url, count, bytes, perSecond, gather = false }) => {
  const topic = await makeTopic(url);
  const opened = await openClient(name, url);
  const client = gather ? gathering(opened) : opened;
  const sentAt = new Float64Array(count);
  const taken = new Float64Array(count);
  let handled = 0;
  const reading = await client.consume(
    topic,
    GROUP,
    (payload) => {
      const index = (payload as Buffer).readUInt32BE(0);
      taken[index] = performance.now() - (sentAt[index] as number);
      handled++;
    },
    { reader: "router", concurrency: 1 },
  );
  try {
    const pass = async (messages: number): Promise<number> => {
      const began = performance.now();
      handled = 0;
      await send(client, topic, messages, bytes, perSecond, sentAt);
      while (handled < messages) await wait(1);
      return (messages / (performance.now() - began)) * 1000;
    };
    await pass(Math.ceil(count / 4));
    const reached = await pass(count);
    return { perSecond: reached, p50Ms: quantile(taken, 0.5), p99Ms: quantile(taken, 0.99), maxMs: quantile(taken, 1) };
  } finally {
    await reading.close();
    await client.close();
    await removeTopic(url, topic);
  }
};

async function send(client: BrokerClient, topic: string, count: number, bytes: number, perSecond: number | undefined, sentAt: Float64Array): Promise<void> {
  const calls = new UnderWay(MOST_UNDER_WAY);
  const began = performance.now();
  for (let sent = 0; sent < count; ) {
    const due = perSecond === undefined ? count : Math.min(count, ((performance.now() - began) / 1000) * perSecond);
    for (; sent < due; sent++) {
      const payload = Buffer.alloc(bytes);
      payload.writeUInt32BE(sent, 0);
      sentAt[sent] = performance.now();
      const full = calls.add(client.publish(topic, [payload]));
      if (full !== undefined) await full;
    }
    if (sent < count) await wait(1);
  }
  await calls.done();
}
