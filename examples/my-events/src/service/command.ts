import type { DatabaseSync } from "node:sqlite";
import type { z } from "zod";
import {
  type ApiRequest,
  type Checked,
  check,
  earlierReply,
  fingerprintOf,
  type IdempotentRequest,
  idempotencyKeyOf,
  jsonBody,
  keepReply,
  Problem,
  problemReply,
  type Reply,
  type Route,
} from "../http/index.ts";
import type { Context } from "./context.ts";
import type { Tell } from "./journal.ts";

/** What an effect works with, inside its transaction. */
export interface Scene<Input> {
  /** Taken with `accepted`, which throws the 422 of a bad body: after the 404 of a thing that is not there. */
  readonly input: Checked<Input>;
  readonly params: Readonly<Record<string, string>>;
  readonly database: DatabaseSync;
  readonly tell: Tell;
  /** The moment of the effect, as an event says it. */
  readonly occurredAt: string;
}

/** Throws a `Problem` to refuse; a 409 must be thrown before anything is told. */
export type Effect<Input> = (scene: Scene<Input>) => Reply;

/** A route with a body whose effect is one transaction. A POST is done once per `Idempotency-Key`. */
export function command<Input>(context: Context, method: "POST" | "PUT", path: string, schema: z.ZodType<Input>, effect: Effect<Input>): Route {
  return {
    method,
    path,
    respond: async (request) => {
      const key = method === "POST" ? idempotencyKeyOf(request.incoming) : undefined;
      const input = check(schema, await jsonBody(request.incoming));
      const perform = (tell: Tell): Reply => effect(scene(context, request, input, tell));
      if (key === undefined) return context.journal.commit(perform);
      const once: IdempotentRequest = { route: `${method} ${request.path}`, key, fingerprint: fingerprintOf(input) };
      return context.journal.commit((tell) => performOnce(context, once, () => perform(tell)));
    },
  };
}

/** A DELETE whose effect is one transaction. */
export function removal(context: Context, path: string, effect: Effect<undefined>): Route {
  const nothing: Checked<undefined> = { value: undefined };
  return {
    method: "DELETE",
    path,
    respond: (request) => context.journal.commit((tell) => effect(scene(context, request, nothing, tell))),
  };
}

function scene<Input>(context: Context, request: ApiRequest, input: Checked<Input>, tell: Tell): Scene<Input> {
  return { input, params: request.params, database: context.database, tell, occurredAt: new Date(context.now()).toISOString() };
}

function performOnce(context: Context, request: IdempotentRequest, perform: () => Reply): Reply {
  const earlier = earlierReply(context.database, request, context.now());
  if (earlier !== undefined) return { ...earlier, headers: { ...earlier.headers, "idempotency-replayed": "true" } };
  const reply = orConflict(perform);
  keepReply(context.database, request, reply, context.now());
  return reply;
}

/** A conflict is an answer to be given again; every other refusal leaves the key free for another try. */
function orConflict(perform: () => Reply): Reply {
  try {
    return perform();
  } catch (error) {
    if (error instanceof Problem && error.status === 409) return problemReply(error);
    throw error;
  }
}
