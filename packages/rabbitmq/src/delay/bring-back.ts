import type { ConfirmChannel, ConsumeMessage } from "amqplib";
import type { Logger } from "millrace";
import { amqpError } from "../amqp-error.ts";
import type { WireProperties } from "../codec.ts";
import type { OpenLink } from "../open-link.ts";
import { EXIT_HEADER } from "../own-headers.ts";
import { ASTRAY, DUE, declareGate } from "./delay-ends.ts";
import { holdOf } from "./delay-exit.ts";

export interface AstrayRules {
  readonly logger: Logger;
}

/** So many at once, also of those that stay. */
const PREFETCH = 100;

/** Reads what went astray for as long as the connection lives, and brings it to its last queue, which is made again. What says nothing of its way stays. */
export async function bringBack(link: OpenLink, { logger }: AstrayRules): Promise<void> {
  const channel = await link.model.createConfirmChannel();
  channel.on("error", (error: unknown) => {
    const known = amqpError(error, `reading queue ${JSON.stringify(ASTRAY)}`);
    logger.warn({ adapter: "rabbitmq", queue: ASTRAY, error: known }, "held back messages that went astray are not brought back");
  });
  await channel.prefetch(PREFETCH);
  await channel.consume(ASTRAY, (raw) => {
    if (raw !== null) void sendOn(channel, raw).catch(() => {}); // the channel has ended, and the message is the queue's again
  });
}

async function sendOn(channel: ConfirmChannel, raw: ConsumeMessage): Promise<void> {
  const { headers, clusterId: _, userId: __, ...rest } = raw.properties as unknown as Record<string, unknown>;
  const hold = holdOf((headers as Record<string, unknown> | undefined)?.[EXIT_HEADER]);
  if (hold === undefined) return;
  await declareGate(channel, hold);
  const properties = { ...rest, headers } as WireProperties;
  await new Promise<void>((resolve, reject) => {
    channel.publish(DUE, raw.fields.routingKey, raw.content, properties, (error: unknown) => (error === null ? resolve() : reject(error)));
  });
  channel.ack(raw);
}
