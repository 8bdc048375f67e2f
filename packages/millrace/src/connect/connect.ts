import { OptionError } from "../errors/index.ts";
import type { Logger } from "../logger/index.ts";
import { MemoryPubSub } from "../memory/index.ts";
import type { PubSub } from "../message/index.ts";
import { OptionCheck, type OptionNames, shown } from "../options/index.ts";
import { type Adapters, checkAdapters, loadAdapter } from "./adapters.ts";
import { unknownScheme } from "./schemes.ts";

export interface ConnectOptions {
  /** Default: warnings and errors, one line each on standard error. */
  readonly logger?: Logger | undefined;
  /**
   * The URL of a store for messages that are not due and that the broker cannot hold back: `sqlite:delays.db`. Its scheme is looked up as
   * that of the broker is. See `DelayingPublisher` of `millrace/delay` for what is promised. Default: such messages are refused.
   */
  readonly delays?: string | undefined;
}

const CONNECT_NAMES: OptionNames<ConnectOptions> = { logger: true, delays: true };

/**
 * Makes a pub/sub from a URL: `memory:` (or `memory:?persistent=true`) is built in, every other scheme is looked up in `adapters`.
 * Nothing is connected yet: that happens at the first publish or subscribe. But with `delays` the store is subscribed to at once,
 * since what an earlier process has left there may be due; it is closed with the pub/sub, after it.
 *
 * ```ts
 * const bus = await connect(process.env.BROKER_URL ?? "memory:", { sqlite: () => import("@millrace/sql") }, { delays: "sqlite:delays.db" });
 * ```
 * Throws `OptionError` `UNKNOWN_SCHEME` that lists the known schemes, with the one that was most likely meant and the package to install, and
 * `BAD_OPTION` for adapters that are no functions, a package that is not installed, and a store that cannot hold messages back.
 */
export async function connect(url: string, adapters: Adapters = {}, options: ConnectOptions = {}): Promise<PubSub> {
  checkAdapters(adapters, Object.keys(CONNECT_NAMES));
  new OptionCheck("connect")
    .known(options, CONNECT_NAMES)
    .that(
      typeof url === "string" && url !== "",
      `url must be a text like "kafka://localhost:9092" or "memory:", got ${shown(url)}: is the environment variable set?`,
    )
    .text("delays", options.delays)
    .done();
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
  if (load === undefined || scheme === undefined) {
    throw new OptionError("connect", [unknownScheme(scheme, ["memory", ...Object.keys(adapters)])], { code: "UNKNOWN_SCHEME" });
  }
  return (await loadAdapter(scheme, load)).fromUrl(url, { logger });
}

function memoryFromUrl(url: string, logger: Logger | undefined): PubSub {
  const query = new URLSearchParams(url.includes("?") ? url.slice(url.indexOf("?") + 1) : "");
  const problems = [...query.keys()].filter((name) => name !== "persistent").map((name) => `memory: does not know the parameter ${JSON.stringify(name)}`);
  if (!["true", "false", null].includes(query.get("persistent"))) problems.push("memory: persistent must be true or false");
  if (problems.length > 0) throw new OptionError("connect", problems);
  return new MemoryPubSub({ logger, persistent: query.get("persistent") === "true" });
}
