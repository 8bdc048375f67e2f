import { randomUUID } from "node:crypto";
import { KEY_METADATA } from "@millrace/rabbitmq";
import { type ConsumeMessage, connect } from "amqplib";
import { type BrokerClient, type Handle, NOTE, type Reading, type ReadingWay } from "./broker-client.ts";

const ID = "_watermill_message_uuid";
/** As many as our adapter holds ahead. */
const PREFETCH = 1000;
/** So many acks of ours go as one, or those of so long a time. */
const [ACKS, ACK_MS] = [256, 5];

/** `amqplib` alone: a confirm channel, durable, persistent and mandatory as ours, an id for every message. Publishing and consuming have connections of their own. */
export async function rabbitmqClient(url: string): Promise<BrokerClient> {
  const model = await connect(url, { noDelay: true });
  const channel = await model.createConfirmChannel();
  return {
    publish: (topic, payloads) =>
      new Promise((resolve, reject) => {
        let left = payloads.length;
        const confirm = (error: unknown): void => {
          if (error) reject(error);
          else if (--left === 0) resolve();
        };
        for (const payload of payloads) channel.publish(topic, "", payload, { persistent: true, mandatory: true, headers: { [ID]: randomUUID() } }, confirm);
      }),
    consume: (topic, group, handle, way) => read(url, `${topic}_${group}`, handle, way),
    close: () => model.close(),
  };
}

async function read(url: string, queue: string, handle: Handle, { ackEach = false, payloadOnly = false }: ReadingWay): Promise<Reading> {
  const model = await connect(url, { noDelay: true });
  const channel = await model.createChannel();
  let last: ConsumeMessage | undefined;
  let unacked = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ack = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (last !== undefined && unacked > 0) channel.ack(last, true);
    unacked = 0;
  };
  await channel.prefetch(PREFETCH);
  await channel.consume(queue, (message) => {
    if (message === null) return;
    const { headers } = message.properties;
    if (payloadOnly) handle(message.content, "", undefined, undefined);
    else handle(message.content, headers?.[ID] as string, headers?.[KEY_METADATA] as string | undefined, headers?.[NOTE] as string | undefined);
    if (ackEach) {
      channel.ack(message);
      return;
    }
    last = message;
    if (++unacked >= ACKS) ack();
    else timer ??= setTimeout(ack, ACK_MS);
  });
  return {
    settled: async () => {
      ack();
      await channel.prefetch(PREFETCH); // its answer says that the acks before it have arrived
    },
    close: async () => {
      clearTimeout(timer);
      await model.close();
    },
  };
}
