import { type Logger, OptionError } from "millrace";
import { OptionCheck } from "millrace/adapter";
import { SqlPubSub } from "./pub-sub.ts";
import { type SqliteOptions, sqlite } from "./sqlite/sqlite.ts";

const KNOWN: Readonly<Record<string, readonly string[]>> = {
  synchronous: ["normal", "full", "extra", "off"],
  retention: ["consumed"],
};

/**
 * A `SqlPubSub` on the database that the URL names: `sqlite:path/to/file.db`, `sqlite:///absolute/path.db`, `sqlite::memory:`; with
 * `?synchronous=normal` for another durability, and `?retention=consumed` to have messages deleted that all groups have consumed, as
 * for a store of delayed messages. Throws `OptionError` for anything else.
 *
 * ```ts
 * const bus = fromUrl("sqlite:app.db");
 * ```
 */
export function fromUrl(url: string, options: { readonly logger?: Logger | undefined } = {}): SqlPubSub {
  new OptionCheck("fromUrl").known(options, { logger: true }).done();
  const match = /^sqlite:(?:\/\/)?([^?]+)(?:\?(.*))?$/.exec(url);
  if (match === null) throw new OptionError("fromUrl", ["url must be sqlite:path or sqlite::memory:"]);
  const query = new URLSearchParams(match[2] ?? "");
  const problems = [...query].flatMap(([name, value]) => {
    const allowed = Object.hasOwn(KNOWN, name) ? KNOWN[name] : undefined;
    if (allowed === undefined) return [`unknown parameter in url: known are ${Object.keys(KNOWN).join(", ")}`];
    return allowed.includes(value) ? [] : [`${name} must be one of ${allowed.join(", ")}, got another`];
  });
  if (problems.length > 0) throw new OptionError("fromUrl", problems);
  const synchronous = (query.get("synchronous") ?? undefined) as SqliteOptions["synchronous"];
  const retention = query.has("retention") ? { consumed: true } : undefined;
  return new SqlPubSub({ dialect: sqlite({ path: match[1] as string, synchronous }), retention, logger: options.logger });
}
