import { DatabaseBusyError, sqliteCode } from "../database/busy.ts";
import { Problem } from "./problem.ts";
import { problemReply, type Reply } from "./reply.ts";
import { type ApiRequest, match, type Route } from "./route.ts";

/** Finds the route for a request and answers; what a route throws becomes a problem document. */
export async function dispatch(routes: readonly Route[], request: Omit<ApiRequest, "params">, onError: (error: unknown) => void): Promise<Reply> {
  try {
    const here = routes.flatMap((route) => {
      const params = match(route.path, request.path);
      return params === undefined ? [] : [{ route, params }];
    });
    if (here.length === 0) throw new Problem("not_found", `there is nothing at ${request.path}`);
    const method = request.incoming.method === "HEAD" ? "GET" : request.incoming.method;
    const found = here.find(({ route }) => route.method === method);
    if (found === undefined) throw methodNotAllowed(request.incoming.method, here);
    return await found.route.respond({ ...request, params: found.params });
  } catch (error) {
    if (error instanceof Problem) return problemReply(error);
    onError(error);
    return problemReply(unexpected(error));
  }
}

function methodNotAllowed(method: string | undefined, here: ReadonlyArray<{ readonly route: Route }>): Problem {
  const allowed = here.map(({ route }) => route.method).join(", ");
  return new Problem("method_not_allowed", `${method} is not possible here, only ${allowed}`, { headers: { allow: allowed } });
}

/** A full, failing or read-only disk passes when the operator makes room; anything else is our mistake. */
function unexpected(error: unknown): Problem {
  const storage = [8, 10, 13].includes(sqliteCode(error) ?? 0);
  if (storage || error instanceof DatabaseBusyError) {
    return new Problem("unavailable", "the service cannot use its database at the moment; nothing was changed, try again", { headers: { "retry-after": "1" } });
  }
  return new Problem("internal", "the service failed; nothing was changed");
}
