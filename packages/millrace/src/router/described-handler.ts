import { adapterName } from "../message/adapter-name.ts";
import type { HandlerSpec } from "./handler-spec.ts";
import type { Description } from "./health.ts";

/** What one handler is wired to. */
export function describedHandler(spec: HandlerSpec): Description["handlers"][number] {
  const { name, kind, group, topics, subscriber, publisher, publishTopics, options } = spec;
  return {
    name,
    kind,
    group: group ?? false,
    contracts: options.contracts ?? [],
    subscribe: topics.map((topic) => ({ topic, adapter: adapterName(subscriber) })),
    publish: publisher === undefined ? [] : publishTopics.map((topic) => ({ topic, adapter: adapterName(publisher) })),
  };
}
