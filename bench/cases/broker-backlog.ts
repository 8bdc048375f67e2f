import { Message } from "millrace";
import type { Case } from "../harness/case.ts";
import { brokerBus } from "./broker-bus.ts";
import { NOTE } from "./broker-client.ts";

export interface BacklogSettings {
  readonly url: string;
  readonly topic: string;
  readonly count: number;
  readonly bytes: number;
}

/** Messages with key, id and one more header. */
export async function fillBacklog({ url, topic, count, bytes }: BacklogSettings): Promise<void> {
  await using bus = brokerBus(url);
  const payload = Buffer.alloc(bytes);
  const metadata = { [NOTE]: "0af7651916cd43dd8448eb211c80319c" };
  for (let sent = 0; sent < count; sent += 1000) {
    await bus.publish(
      topic,
      Array.from({ length: Math.min(1000, count - sent) }, (_, index) => new Message(payload, { key: `k-${(sent + index) % 1000}`, metadata })),
    );
  }
}

/** A backlog that is left there to be read many times. */
export const run: Case<BacklogSettings> = async (settings) => {
  await fillBacklog(settings);
  return {};
};
