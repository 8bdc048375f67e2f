import type { BrokerClient } from "./broker-client.ts";

interface Waiting {
  readonly topic: string;
  readonly payload: Buffer;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * What one writes around a client that sends a request for every call: single messages gather while a call is under way, and go
 * together with the next. For one topic.
 */
export function gathering(client: BrokerClient): BrokerClient {
  let waiting: Waiting[] = [];
  let sending = false;
  const send = async (): Promise<void> => {
    for (; waiting.length > 0; ) {
      const going = waiting;
      waiting = [];
      try {
        await client.publish(
          (going[0] as Waiting).topic,
          going.map(({ payload }) => payload),
        );
        for (const { resolve } of going) resolve();
      } catch (error) {
        for (const { reject } of going) reject(error);
      }
    }
    sending = false;
  };
  return {
    ...client,
    publish: (topic, payloads) =>
      new Promise((resolve, reject) => {
        waiting.push({ topic, payload: payloads[0] as Buffer, resolve, reject });
        if (sending) return;
        sending = true;
        setImmediate(() => void send());
      }),
  };
}
