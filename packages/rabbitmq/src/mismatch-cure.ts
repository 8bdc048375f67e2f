/** Options by the argument that the broker names. */
const OF_EXCHANGES: Readonly<Record<string, string>> = {
  type: "a topology whose exchangeType is that",
  auto_delete: "exchange.autoDelete",
  "alternate-exchange": "exchange.alternateExchange",
};
const OF_QUEUES: Readonly<Record<string, string>> = {
  "x-queue-type": "queue.type",
  "x-expires": "queue.expiresMs",
  "x-delivery-limit": "queue.deliveryLimit",
  "x-consumer-timeout": "queue.consumerTimeoutMs",
  "x-dead-letter-exchange": "queue.deadLetterExchange",
  "x-dead-letter-routing-key": "queue.deadLetterRoutingKey",
};

const INEQUIVALENT = /inequivalent arg '([^']+)' for (exchange|queue) '(.*)' in vhost '.*': received (.*) but current is (.*?)"?$/;

/** What to change when an exchange or a queue is there with other settings; nothing for any other text of the broker. */
export function mismatchCure(text: string): string {
  const [, name = "", kind, , , current = ""] = INEQUIVALENT.exec(text) ?? [];
  if (kind === undefined) return "";
  return `; set ${optionOf(kind, name, current)}, delete the ${kind}, or set provision to "verify"`;
}

function optionOf(kind: string, name: string, current: string): string {
  if (name === "durable" && kind === "exchange") {
    const durable = /true|false/.exec(current)?.[0] ?? "the other way";
    return `exchangeDurable: ${durable} of topicExchangeTopology (exchangeDurable=${durable} in a URL), or durable of another topology`;
  }
  if (name === "durable") return `durable of the topology to ${current.replaceAll("'", "")}`;
  return `${(kind === "exchange" ? OF_EXCHANGES : OF_QUEUES)[name] ?? `${kind}.arguments ${name}`} as it is there: ${current}`;
}
