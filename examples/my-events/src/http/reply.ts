import type { ServerResponse } from "node:http";
import type { Problem } from "./problem.ts";

/** What a route answers with. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | undefined;
  /** Takes the response over, for an answer that goes on. */
  readonly stream?: ((response: ServerResponse) => void) | undefined;
}

export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(value) };
}

export function created(path: string, value: unknown): Reply {
  return json(201, value, { location: path });
}

export function noContent(): Reply {
  return { status: 204 };
}

export function problemReply(problem: Problem): Reply {
  return json(problem.status, problem.document(), { ...problem.headers, "content-type": "application/problem+json" });
}
