import type { Channel } from "amqplib";
import { OptionError } from "millrace";
import type { Link } from "./link.ts";

const BUILT_IN: ReadonlySet<unknown> = new Set(["direct", "fanout", "headers", "topic"]);

/** True for what a broker may know: plugins name theirs `x-…`. */
export function isExchangeType(type: unknown): boolean {
  return BUILT_IN.has(type) || (typeof type === "string" && type.startsWith("x-"));
}

/** AMQP's number for a command that makes no sense. */
const COMMAND_INVALID = 503;

/**
 * Declares an exchange of a plugin's type over a connection of its own first: to a type that it does not know the broker answers by closing the
 * connection, with all the subscriptions on it. Throws `OptionError` then.
 */
export async function tryExchangeType(link: Link, type: string, declare: (channel: Channel) => Promise<void>): Promise<void> {
  if (BUILT_IN.has(type) || link.knownTypes.has(type)) return;
  await link.alone(async (open) => {
    const channel = await open.model.createChannel();
    channel.on("error", () => {}); // the declaration rejects
    try {
      await declare(channel);
    } catch (error) {
      // The connection's own error may be told after its channels were closed.
      await Promise.resolve();
      if ((open.error as { readonly code?: unknown } | undefined)?.code !== COMMAND_INVALID) throw error;
      throw new OptionError("RabbitMqPubSub", [`topology.exchangeType: the broker knows no type ${JSON.stringify(type)}; enable its plugin`]);
    }
  });
  link.knownTypes.add(type);
}
