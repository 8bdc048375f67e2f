export type { FailurePolicy } from "./failure-policy.ts";
export type { BatchHandlerOptions, ConsumerHandlerOptions, HandlerHandle, HandlerOptions, ProducingHandlerOptions } from "./handler-options.ts";
export type { DescribedEnd, Description, HandlerCounts, HandlerHealth, Health, MessageContract } from "./health.ts";
export type { HandledEvent, Observer, Outcome, PublishedEvent, StateEvent } from "./observers.ts";
export { Router } from "./router.ts";
export type { PublisherDecorator, RouterConstructor, RouterOptions, RouterPlugin, SubscriberDecorator } from "./router-options.ts";
