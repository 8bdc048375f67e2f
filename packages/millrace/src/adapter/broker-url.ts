import { OptionError } from "../errors/index.ts";
import { OptionCheck } from "../options/index.ts";
import { nearestName } from "../options/nearest-name.ts";

/** What a URL says, decoded. */
export interface BrokerUrl {
  readonly scheme: string;
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  /** `undefined` where the URL has none. */
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Behind the hosts, decoded: `"/vhost"`, or `""`. */
  readonly path: string;
  readonly parameters: ReadonlyMap<string, string>;
}

export interface BrokerUrlRules {
  /** Schemes, and the port of each where none is given. */
  readonly schemes: Readonly<Record<string, number>>;
  /** Names of parameters: others are a mistake. Default: all are taken. */
  readonly parameters?: readonly string[] | undefined;
  /** A URL of this kind, to show what was expected. */
  readonly example: string;
}

const SHAPE = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?$/is;
const HOST = /^(\[[0-9a-f:.]+\]|[^\s:,/?#[\]]+)(?::(\d{1,5}))?$/i;
const ESCAPES = "in a user's name or password @, /, ?, # and : are written %40, %2F, %3F, %23 and %3A";

/**
 * Reads `scheme://user:password@host:port,host2:port/path?name=value` as the URL standard does: the password is what stands between the
 * first colon and the last `@`, percent escapes are decoded, and a `%` that begins none stands for itself.
 *
 * Throws `OptionError` `BAD_OPTION`, in the name of `subject`. No error repeats the URL or a part of it: it may be a
 * password that was not escaped.
 */
export function readBrokerUrl(subject: string, url: unknown, rules: BrokerUrlRules): BrokerUrl {
  const problems: string[] = [];
  const read = parseBrokerUrl(url, rules, problems);
  if (read === undefined) throw new OptionError(subject, problems);
  return read;
}

/** As `readBrokerUrl`; what is wrong is added to `problems`, and then there is no answer. */
export function parseBrokerUrl(url: unknown, rules: BrokerUrlRules, problems: string[] = []): BrokerUrl | undefined {
  new OptionCheck("parseBrokerUrl").known(rules, { schemes: true, parameters: true, example: true }).done();
  const { schemes, parameters, example } = rules;
  const match = typeof url === "string" ? SHAPE.exec(url) : null;
  const scheme = match?.[1]?.toLowerCase() ?? "";
  if (match === null || !Object.hasOwn(schemes, scheme)) problems.push(`url must be a URL such as ${example}`);
  if (match === null || problems.length > 0) return undefined;
  const [, , authority = "", path = "", query = "", fragment] = match;
  if (fragment !== undefined || `${path}${query}`.includes("@")) {
    problems.push(`url has an @ or a # in a wrong place: ${ESCAPES}`);
    return undefined;
  }
  const at = authority.lastIndexOf("@");
  const [username, password] = at < 1 ? [undefined, undefined] : credentials(authority.slice(0, at));
  const hosts = authority
    .slice(at + 1)
    .split(",")
    .map((text) => parseHost(text, schemes[scheme] as number));
  if (hosts.includes(undefined)) problems.push(`url must name a host, or host:port with a port up to 65535, such as ${example}; ${ESCAPES}`);
  const given = new Map(new URLSearchParams(query));
  for (const name of given.keys()) {
    if (parameters === undefined || parameters.includes(name)) continue;
    const nearest = nearestName(name, parameters);
    problems.push(`unknown parameter in url${nearest === undefined ? `: known are ${parameters.join(", ")}` : `, did you mean ${nearest}?`}`);
  }
  if (problems.length > 0) return undefined;
  return {
    scheme,
    hosts: (hosts as BrokerUrl["hosts"]).map(({ host, port }) => ({ host: percentDecoded(host), port })),
    username,
    password,
    path: percentDecoded(path),
    parameters: given,
  };
}

/** Percent escapes decoded, as far as they are some. */
function percentDecoded(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes.replace(/%[0-7][0-9a-f]/gi, decodeURIComponent); // some of the bytes are no text
    }
  });
}

function credentials(text: string): readonly [string, string] {
  const colon = text.indexOf(":");
  return colon === -1 ? [percentDecoded(text), ""] : [percentDecoded(text.slice(0, colon)), percentDecoded(text.slice(colon + 1))];
}

/** `host`, `host:port` or `[address]:port`; `undefined` for anything else. */
export function parseHost(text: unknown, defaultPort: number): BrokerUrl["hosts"][number] | undefined {
  const [, host, port] = (typeof text === "string" ? HOST.exec(text) : null) ?? [];
  const number = port === undefined ? defaultPort : Number(port);
  if (host === undefined || number < 1 || number > 65_535) return undefined;
  return { host: host.startsWith("[") ? host.slice(1, -1) : host, port: number };
}
