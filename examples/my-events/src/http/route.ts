import type { IncomingMessage } from "node:http";
import type { Reply } from "./reply.ts";

export interface ApiRequest {
  readonly incoming: IncomingMessage;
  /** The path without its query, still encoded. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: string;
}

export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Segments that begin with a colon are parameters: `/events/:id/bookings`. */
  readonly path: string;
  respond(request: ApiRequest): Reply | Promise<Reply>;
}

/** The parameters when `path` has the form of `pattern`, else `undefined`. */
export function match(pattern: string, path: string): Record<string, string> | undefined {
  const expected = pattern.split("/");
  const given = path.split("/");
  if (expected.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of expected.entries()) {
    const value = given[index] as string;
    if (!part.startsWith(":")) {
      if (part !== value) return undefined;
      continue;
    }
    const decoded = decode(value);
    if (decoded === undefined || decoded === "") return undefined;
    params[part.slice(1)] = decoded;
  }
  return params;
}

/** The values of one query parameter. A plus stays a plus, so that `?at=…+01:00` need not be escaped. */
export function queryValues(query: string, name: string): (string | undefined)[] {
  return query
    .split("&")
    .filter((pair) => pair === name || pair.startsWith(`${name}=`))
    .map((pair) => decode(pair.slice(name.length + 1)));
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
