import { OptionError } from "../errors/index.ts";
import type { Logger } from "../logger/index.ts";
import { MemoryPubSub } from "../memory/index.ts";
import type { PubSub } from "../message/index.ts";
import { OptionCheck, type OptionNames } from "../options/index.ts";

/** What a broker package exports for `connect`. */
export interface AdapterModule {
  fromUrl(url: string, options?: { readonly logger?: Logger | undefined }): PubSub;
}

export interface ConnectOptions {
  readonly logger?: Logger | undefined;
  /**
   * The URL of a store for messages that are not due and that the broker cannot hold back: `sqlite:delays.db`. Its scheme is looked up as
   * that of the broker is. See `DelayingPublisher` of `millrace/delay` for what is promised. Default: such messages are refused.
   */
  readonly delays?: string | undefined;
}

const CONNECT_NAMES: OptionNames<ConnectOptions> = { logger: true, delays: true };

type Adapters = Readonly<Record<string, () => Promise<AdapterModule>>>;

/**
 * Makes a pub/sub from a URL: `memory:` (or `memory:?persistent=true`) is built in, every other scheme is looked up in `adapters`.
 * Nothing is connected yet: that happens at the first publish or subscribe. But with `delays` the store is subscribed to at once,
 * since what an earlier process has left there may be due; it is closed with the pub/sub, after it.
 *
 * ```ts
 * const bus = await connect(process.env.BROKER_URL ?? "memory:", { sqlite: () => import("@millrace/sql") }, { delays: "sqlite:delays.db" });
 * ```
 * Throws `OptionError` `UNKNOWN_SCHEME` that lists the known schemes, and `BAD_OPTION` for a store that cannot hold messages back.
 */
export async function connect(url: string, adapters: Adapters = {}, options: ConnectOptions = {}): Promise<PubSub> {
  new OptionCheck("connect").known(options, CONNECT_NAMES).text("delays", options.delays).done();
  const { delays, logger } = options;
  const broker = await open(url, adapters, { logger });
  if (delays === undefined) return broker;
  const made: PubSub[] = [broker];
  try {
    const store = await open(delays, adapters, { logger });
    made.unshift(store);
    const { DelayingPubSub } = await import("../delay/delaying-pub-sub.ts"); // for those alone who need it
    const delaying = new DelayingPubSub(broker, store, logger);
    made.unshift(delaying);
    await delaying.start();
    return delaying;
  } catch (error) {
    for (const each of made) await each.close().catch(() => {});
    throw error;
  }
}

async function open(url: string, adapters: Adapters, { logger }: ConnectOptions): Promise<PubSub> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme === "memory") return memoryFromUrl(url, logger);
  const load = scheme !== undefined && Object.hasOwn(adapters, scheme) ? adapters[scheme] : undefined;
  if (load === undefined) {
    const known = ["memory", ...Object.keys(adapters)].map((name) => `${name}:`).join(", ");
    const found = scheme === undefined ? "the URL has no scheme" : `no adapter for the scheme ${JSON.stringify(`${scheme}:`)}`;
    throw new OptionError("connect", [`${found}; known are ${known}`], { code: "UNKNOWN_SCHEME" });
  }
  return (await load()).fromUrl(url, { logger });
}

function memoryFromUrl(url: string, logger: Logger | undefined): PubSub {
  const query = new URLSearchParams(url.includes("?") ? url.slice(url.indexOf("?") + 1) : "");
  const problems = [...query.keys()].filter((name) => name !== "persistent").map((name) => `memory: does not know the parameter ${JSON.stringify(name)}`);
  if (!["true", "false", null].includes(query.get("persistent"))) problems.push("memory: persistent must be true or false");
  if (problems.length > 0) throw new OptionError("connect", problems);
  return new MemoryPubSub({ logger, persistent: query.get("persistent") === "true" });
}
