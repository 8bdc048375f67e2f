import { type Logger, OptionError } from "millrace";
import { OptionCheck } from "millrace/adapter";
import { SqlPubSub } from "./pub-sub.ts";
import { sqlite } from "./sqlite/sqlite.ts";

const SYNCHRONOUS = ["full", "normal", "extra", "off"] as const;

/**
 * A `SqlPubSub` on the database that the URL names: `sqlite:path/to/file.db`, `sqlite:///absolute/path.db`, `sqlite::memory:`; with
 * `?synchronous=normal` for another durability. Throws `OptionError` for anything else.
 *
 * ```ts
 * const bus = fromUrl("sqlite:app.db");
 * ```
 */
export function fromUrl(url: string, options: { readonly logger?: Logger | undefined } = {}): SqlPubSub {
  new OptionCheck("fromUrl").known(options, { logger: true }).done();
  const match = /^sqlite:(?:\/\/)?([^?]+)(?:\?(.*))?$/.exec(url);
  if (match === null) throw new OptionError("fromUrl", [`expected sqlite:path or sqlite::memory:, got ${JSON.stringify(url.slice(0, 64))}`]);
  const query = new URLSearchParams(match[2] ?? "");
  const unknown = [...query.keys()].filter((name) => name !== "synchronous");
  if (unknown.length > 0)
    throw new OptionError(
      "fromUrl",
      unknown.map((name) => `unknown parameter ${name}: known is synchronous`),
    );
  const given = query.get("synchronous");
  const synchronous = given === null ? undefined : SYNCHRONOUS.find((value) => value === given);
  if (given !== null && synchronous === undefined) throw new OptionError("fromUrl", [`synchronous must be one of ${SYNCHRONOUS.join(", ")}, got ${given}`]);
  return new SqlPubSub({ dialect: sqlite({ path: match[1] as string, synchronous }), logger: options.logger });
}
