import type { Logger } from "../logger/index.ts";
import type { HandlerEntry } from "./handler-entry.ts";

/** Without a service a group is a bare name, which anybody else on the same broker may have, too. */
export function warnOfSharedNames(entries: readonly HandlerEntry[], service: string | undefined, logger: Logger): void {
  if (service !== undefined) return;
  const shared = entries.filter(({ spec }) => spec.options.group === undefined && spec.subscriber.capabilities?.durable === true);
  if (shared.length === 0) return;
  const handlers = shared.map(({ name }) => name).join(", ");
  logger.warn(
    { handlers },
    "the router has no service: every router with a handler of the same name shares these handlers' messages; give it a service, or the handlers a group",
  );
}
