import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Case } from "../harness/case.ts";
import { fillBacklog } from "./broker-backlog.ts";
import { GROUP } from "./broker-client.ts";
import { makeTopic, removeTopic } from "./broker-topic.ts";

export interface WatermillSettings {
  /** The program of `test/interop/watermill`, built. */
  readonly program: string;
  readonly url: string;
  readonly count: number;
  readonly bytes: number;
  /** Goroutines that publish, one message a call. Without it a backlog is read. */
  readonly callers?: number | undefined;
}

/** Watermill's adapter in Go on a topic of ours. */
export const run: Case<WatermillSettings> = async ({ program, url, count, bytes, callers }) => {
  const topic = await makeTopic(url);
  const kind = url.startsWith("kafka:") ? "kafka" : "amqp-pubsub";
  try {
    if (callers === undefined) await fillBacklog({ url, topic, count, bytes });
    const args = callers === undefined ? ["read-speed", url, topic, GROUP, `${count}`] : ["publish-speed", url, topic, `${bytes}`, `${count}`, `${callers}`];
    const { stdout } = await promisify(execFile)(program, [kind, ...args]);
    const ns = Number(stdout) / count;
    return { ns, perSecond: 1e9 / ns };
  } finally {
    await removeTopic(url, topic);
  }
};
