export { after, asPromise, attempt, isPromise, producedList } from "./after.ts";
export { type ContextKey, contextKey } from "./context-key.ts";
export type { Batch, BatchHandler, ConsumerHandler, Handler, MaybePromise, Middleware, Produced } from "./handler.ts";
export { Message, type MessageConstructor } from "./message.ts";
export type { MessageOptions } from "./message-options.ts";
export { type Metadata, type MetadataInit, metadata } from "./metadata.ts";
export type { HandlerIdentity, Publisher, PublishOptions } from "./publisher.ts";
export { type ReadMessagesOptions, readMessages } from "./read-messages.ts";
export { READ_DEFAULTS, type ReadOptions, type ReadResult, readUntil } from "./read-until.ts";
export type { Delivery, DerivedChanges, NackOptions, ReceivedMessage, Verdict } from "./received-message.ts";
export type { SchemaIssue, SchemaResult, StandardSchema } from "./standard-schema.ts";
export type {
  BrokerAdmin,
  Capabilities,
  DrainOptions,
  From,
  HandlerState,
  OrderBy,
  PubSub,
  SubscribeOptions,
  Subscriber,
  Subscription,
  SubscriptionStatus,
  UndecodableRecord,
} from "./subscriber.ts";
export { type MessageTransform, transformPublisher } from "./transform-publisher.ts";
export { type ReceivedTransform, transformSubscriber } from "./transform-subscriber.ts";
