import { inspect } from "node:util";
import * as kafka from "@millrace/kafka";
import * as rabbitmq from "@millrace/rabbitmq";
import * as sql from "@millrace/sql";
import { type LogFields, type Logger, Message, type PubSub } from "millrace";
import { describe, expect, it } from "vitest";

const SECRET = "Geheim";
/** Nobody listens there. */
const HOST = "127.0.0.1:1";
const ODD = [..." !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "ä", "\u0000", "%41", "%zz"];

/** 200 URLs whose password, or whatever stands in its place, has the secret in it; some are right, most are not. */
const URLS: Readonly<Record<string, (password: string, at: number) => string>> = {
  kafka: (password, at) => ["kafka", "kafkas"][at % 10 === 9 ? 1 : 0] + shape(password, at),
  rabbitmq: (password, at) => ["amqp", "amqps", "http"][at % 3] + shape(password, at),
  sqlite: (password, at) =>
    ["sqlit", "sqlite", "postgres", "sqlite"][at % 4] +
    (at % 2 === 0 ? shape(password, at) : at % 4 === 1 ? "::memory:" : `:${password}/no/such/folder/db?${password}=1`),
};

function shape(password: string, at: number): string {
  const written = [
    `://user:${password}@${HOST}`,
    `://user:${encodeURIComponent(password)}@${HOST}`,
    `://${password}@${HOST}`,
    `://user:${password}@${HOST}?${password}=x`,
    `://${HOST}/${password}`,
    `://user:${password}@`,
    `://${HOST}:${password}`,
    `:${password}`,
  ];
  return written[at % written.length] as string;
}

const MAKE: Readonly<Record<string, (url: string, logger: Logger) => PubSub>> = {
  kafka: (url, logger) => kafka.fromUrl(url, { logger, publishTimeoutMs: 100, connectTimeoutMs: 100 }),
  rabbitmq: (url, logger) => rabbitmq.fromUrl(url, { logger }),
  sqlite: (url, logger) => sql.fromUrl(url, { logger }),
};

describe.each(Object.keys(MAKE))("the URL of %s", (name) => {
  it("shows its password in no error, log entry, health or inspection, right or wrong", async () => {
    const shown: string[] = [];
    const show = (value: unknown): void =>
      void shown.push(inspect(value, { depth: 12, showHidden: true, getters: true }), String((value as Error | undefined)?.stack));
    const log = (fields: LogFields, text: string): void => show([fields, text]);
    const logger: Logger = { trace: log, debug: log, info: log, warn: log, error: log, child: () => logger, isLevelEnabled: () => true };
    let [made, refused] = [0, 0];
    const one = async (index: number): Promise<void> => {
      const odd = ODD[index % ODD.length] as string;
      const url = (URLS[name] as (typeof URLS)[string])(`${odd}${SECRET}${odd}`, index);
      let bus: PubSub | undefined;
      try {
        bus = (MAKE[name] as (typeof MAKE)[string])(url, logger);
        made++;
        show(bus);
        await bus.publish("t", new Message("m"), { signal: AbortSignal.timeout(300) });
      } catch (error) {
        if (bus === undefined) refused++;
        show(error);
      }
      await bus?.close().catch(show);
    };
    await Promise.all(Array.from({ length: 200 }, (_, index) => one(index)));
    expect(made).toBeGreaterThan(10);
    expect(refused).toBeGreaterThan(50);
    for (const text of shown) expect(text).not.toContain(SECRET);
  });
});
