import { type AdapterModule, connect, type Logger, MemoryPubSub, OptionError, type PubSub } from "millrace";

/** The brokers that `BROKER_URL` can name, by scheme, beside `memory:`. Each is loaded when it is asked for. */
const adapters: Readonly<Record<string, () => Promise<AdapterModule>>> = {
  amqp: () => import("@millrace/rabbitmq"),
  amqps: () => import("@millrace/rabbitmq"),
  kafka: () => import("@millrace/kafka"),
  sqlite: () => import("@millrace/sql"),
};

/** Throws an `OptionError` (`UNKNOWN_SCHEME`) that lists the schemes there are, when `url` has another. */
export function checkBroker(url: string): void {
  const scheme = schemeOf(url);
  const known = ["memory", ...Object.keys(adapters)];
  if (scheme === undefined || !known.includes(scheme)) {
    throw new OptionError(
      "BROKER_URL",
      [
        `${scheme === undefined ? "it" : JSON.stringify(`${scheme}:`)} is not a broker this application knows; it knows ${known.map((name) => `${name}:`).join(", ")}`,
      ],
      { code: "UNKNOWN_SCHEME" },
    );
  }
}

/** True when the broker lives in the process, so that both services must live there too. */
export function isInProcess(url: string): boolean {
  return schemeOf(url) === "memory";
}

export async function openBroker(url: string, logger: Logger): Promise<PubSub> {
  checkBroker(url);
  // What memory holds is gone after a crash. So a service's outbox keeps each message until the other has taken it in.
  if (isInProcess(url)) return new MemoryPubSub({ blockPublishUntilAck: true, logger });
  return connect(url, adapters, { logger });
}

function schemeOf(url: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
}
