import type { Channel } from "amqplib";
import { type Hold, PREFIX } from "./delay-exit.ts";
import { LEVELS } from "./delay-route.ts";

/** Quorum queues hand over with confirmations, so that nothing is lost between two of them, whoever is killed. */
export const CONFIRMING: Readonly<Record<string, string>> = {
  "x-queue-type": "quorum",
  "x-dead-letter-strategy": "at-least-once",
  "x-overflow": "reject-publish",
};
const DROPPING = { "x-queue-type": "quorum" };

export const DUE: string = `${PREFIX}due`;
export const ASTRAY: string = `${PREFIX}astray`;

/** Matches any routing key that has `word` in the place of the level's digit. */
export function pattern(level: number, word: string): string {
  return `${"*.".repeat(LEVELS - level)}${word}${level === 0 ? "" : ".#"}`;
}

/** The exchange of what is due, and where those end that it cannot send on: they would stand in the way of all others. */
export async function declareEnds(channel: Channel): Promise<void> {
  await channel.assertExchange(ASTRAY, "fanout", { durable: true });
  await channel.assertQueue(ASTRAY, { durable: true, arguments: { "x-queue-type": "quorum" } });
  await channel.bindQueue(ASTRAY, ASTRAY, "");
  await channel.assertExchange(DUE, "topic", { durable: true, arguments: { "alternate-exchange": ASTRAY } });
}

export async function declareGate(channel: Channel, { exit, gate, word, class: { expiresMs } }: Hold): Promise<void> {
  await channel.assertQueue(gate, {
    durable: true,
    arguments: {
      "x-message-ttl": 0,
      "x-dead-letter-exchange": exit.exchange,
      "x-dead-letter-routing-key": exit.routingKey,
      "x-expires": expiresMs,
      ...(exit.keep ? CONFIRMING : DROPPING),
    },
  });
  await channel.bindQueue(gate, DUE, pattern(0, word));
}
