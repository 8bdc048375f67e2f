export { DelayingPublisher } from "./delaying-publisher.ts";
export { DELAYING_DEFAULTS, type DelayingPublisherOptions } from "./delaying-publisher-options.ts";
