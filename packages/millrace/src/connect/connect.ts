import { OptionError } from "../errors/index.ts";
import type { Logger } from "../logger/index.ts";
import { MemoryPubSub } from "../memory/index.ts";
import type { PubSub } from "../message/index.ts";
import { OptionCheck } from "../options/index.ts";

/** What a broker package exports for `connect`. */
export interface AdapterModule {
  fromUrl(url: string, options?: { readonly logger?: Logger | undefined }): PubSub;
}

/**
 * Makes a pub/sub from a URL: `memory:` (or `memory:?persistent=true`) is built in, every other scheme is looked up in `adapters`.
 * Nothing is connected yet: that happens at the first publish or subscribe.
 *
 * ```ts
 * const bus = await connect(process.env.BROKER_URL ?? "memory:", { sqlite: () => import("@millrace/sql") });
 * ```
 * Rejects with `OptionError` `BAD_OPTION`, and `UNKNOWN_SCHEME` that lists the known schemes.
 */
export async function connect(
  url: string,
  adapters: Readonly<Record<string, () => Promise<AdapterModule>>> = {},
  options: { readonly logger?: Logger | undefined } = {},
): Promise<PubSub> {
  new OptionCheck("connect").known(options, { logger: true }).done();
  const { logger } = options;
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
