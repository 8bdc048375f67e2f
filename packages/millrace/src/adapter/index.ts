export { TextMap } from "../message/metadata.ts";
export { OptionCheck } from "../options/index.ts";
export { AdapterSubscription, type AdapterSubscriptionOptions } from "./adapter-subscription.ts";
export { backoffMs, equalBackoffMs } from "./backoff.ts";
export { type Fetched, Received, type Settler } from "./received.ts";
export { type AdapterSettings, checkSharedOptions } from "./settings.ts";
export type { Intake, Session, Settlement, Source, UndecodableRecord } from "./source.ts";
export { checkPublish, checkSubscribe } from "./subscribe-options.ts";
