export type { FailurePolicy } from "./failure-policy.ts";
export type { BatchHandlerOptions, ConsumerHandlerOptions, HandlerHandle, HandlerOptions, ProducingHandlerOptions } from "./handler-options.ts";
export type { Description, HandlerHealth, Health } from "./health.ts";
export { Router } from "./router.ts";
export type { PublisherDecorator, RouterConstructor, RouterOptions, RouterPlugin, SubscriberDecorator } from "./router-options.ts";
