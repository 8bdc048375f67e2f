import type { Case } from "../harness/case.ts";
import { type BrokerClient, type ClientName, openClient } from "./broker-client.ts";
import { makeTopic, removeTopic } from "./broker-topic.ts";
import { gathering } from "./gathering.ts";
import { Stopwatch } from "./stopwatch.ts";
import { UnderWay } from "./under-way.ts";

export interface BrokerPublishSettings {
  readonly client: ClientName;
  readonly url: string;
  readonly count: number;
  readonly warmUp: number;
  readonly bytes: number;
  /** Messages in one call. */
  readonly perCall: number;
  /** Calls that may be under way. Default 1: each is awaited. */
  readonly underWay?: number | undefined;
  /** Single messages gather while a call is under way, for a client that does not do so itself. */
  readonly gather?: boolean | undefined;
}

/** Until the broker has confirmed every message. */
export const run: Case<BrokerPublishSettings> = async (settings) => {
  const { client: name, url, count, warmUp, gather = false } = settings;
  const topic = await makeTopic(url);
  const opened = await openClient(name, url);
  const client = gather ? gathering(opened) : opened;
  try {
    await publish(client, topic, warmUp, settings);
    const watch = new Stopwatch();
    await publish(client, topic, count, settings);
    return watch.figures(count);
  } finally {
    await client.close();
    await removeTopic(url, topic);
  }
};

async function publish(client: BrokerClient, topic: string, count: number, { bytes, perCall, underWay = 1 }: BrokerPublishSettings): Promise<void> {
  const payloads = Array<Buffer>(perCall).fill(Buffer.alloc(bytes));
  if (underWay === 1) {
    for (let sent = 0; sent < count; sent += perCall) await client.publish(topic, payloads);
    return;
  }
  const calls = new UnderWay(underWay);
  for (let sent = 0; sent < count; sent += perCall) {
    const full = calls.add(client.publish(topic, payloads));
    if (full !== undefined) await full;
  }
  await calls.done();
}
