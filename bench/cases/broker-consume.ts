import { randomUUID } from "node:crypto";
import type { Case } from "../harness/case.ts";
import { fillBacklog } from "./broker-backlog.ts";
import { type BrokerClient, type ClientName, GROUP, openClient, type ReadingWay } from "./broker-client.ts";
import { makeTopic, removeTopic } from "./broker-topic.ts";
import { Stopwatch } from "./stopwatch.ts";

export interface BrokerConsumeSettings {
  readonly client: ClientName;
  readonly url: string;
  /** A filled topic, read from its beginning by a group of this run's own. Without one this run fills one of its own, which it empties. */
  readonly topic?: string | undefined;
  readonly count: number;
  readonly warmUp: number;
  readonly bytes: number;
  readonly way: ReadingWay;
  /** The clock starts with the subscription, not after the run-up: nothing that was fetched early is missed. */
  readonly whole?: boolean | undefined;
}

/** So many messages pass before the clock starts: what a subscription holds ahead grows first. */
const RUN_UP = 2000;

/** A backlog, from the call of the handler after the run-up until the broker knows the last verdict. */
export const run: Case<BrokerConsumeSettings> = async ({ client: name, url, topic, count, warmUp, bytes, way, whole = false }) => {
  const client = await openClient(name, url);
  const timed = async (messages: number): ReturnType<typeof run> => {
    if (topic !== undefined) return await consume(client, topic, randomUUID(), messages, way, whole);
    const own = await makeTopic(url);
    try {
      await fillBacklog({ url, topic: own, count: messages, bytes });
      return await consume(client, own, GROUP, messages, way, whole);
    } finally {
      await removeTopic(url, own);
    }
  };
  try {
    if (warmUp > 0) await timed(warmUp);
    return await timed(count);
  } finally {
    await client.close();
  }
};

async function consume(client: BrokerClient, topic: string, group: string, count: number, way: ReadingWay, whole: boolean): ReturnType<typeof run> {
  const measured = whole ? count : count - Math.min(RUN_UP, count >> 1);
  let watch = whole ? new Stopwatch() : undefined;
  let left = count;
  let seen = 0;
  let finish = (): void => {};
  const handled = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const reading = await client.consume(
    topic,
    group,
    (payload, id, key, note) => {
      if (left === measured) watch ??= new Stopwatch();
      seen += payload.length + id.length + (key?.length ?? 0) + (note?.length ?? 0);
      if (--left === 0) finish();
    },
    way,
  );
  await handled;
  await reading.settled();
  const figures = (watch as unknown as Stopwatch).figures(measured);
  await reading.close();
  return { ...figures, seen };
}
