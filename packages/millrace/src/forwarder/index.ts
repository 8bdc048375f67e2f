export type { Addressed } from "../relay/addressed.ts";
export { envelope, openEnvelope } from "./envelope.ts";
export { Forwarder } from "./forwarder.ts";
export { FORWARDER_DEFAULTS, type ForwarderOptions, type OnUndecodable } from "./forwarder-options.ts";
export { ForwardingPublisher, type ForwardingPublisherOptions } from "./forwarding-publisher.ts";
