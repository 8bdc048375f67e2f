/** Middleware: wraps handlers. One factory a file; none knows the router. */
export { ATTEMPTS_POISONED, HANDLER_POISONED, POSITION_POISONED, REASON_POISONED, SUBSCRIBER_POISONED, TOPIC_POISONED } from "../message/dead-letter-keys.ts";
export { DELAYED_FOR_KEY, DELAYED_UNTIL_KEY } from "../message/delay-keys.ts";
export { formatGoDuration, parseGoDuration } from "../message/go-duration.ts";
export type { BreakerCounts, BreakerState } from "./breaker.ts";
export { type BreakerStateChange, CIRCUIT_BREAKER_DEFAULTS, type CircuitBreakerOptions, circuitBreaker } from "./circuit-breaker.ts";
export { CORRELATION_ID_KEY, type CorrelationIdOptions, correlationId, messageCorrelationId, setCorrelationId } from "./correlation-id.ts";
export { type DeduplicatePublisherOptions, deduplicatePublisher } from "./deduplicate-publisher.ts";
export { type DeduplicationKey, keyFromId, keyFromMetadata, keyFromPayload } from "./deduplication-key.ts";
export {
  DEDUPLICATION_DEFAULTS,
  type DeduplicationRepository,
  type MemoryDeduplicationOptions,
  MemoryDeduplicationRepository,
} from "./deduplication-repository.ts";
export { type DeduplicatorOptions, deduplicator } from "./deduplicator.ts";
export { DELAY_ON_ERROR_DEFAULTS, type DelayOnErrorOptions, delayOnError } from "./delay-on-error.ts";
export { duplicator } from "./duplicator.ts";
export { type ErrorMatch, ignoreErrors } from "./ignore-errors.ts";
export { instantAck } from "./instant-ack.ts";
export { type PoisonQueueOptions, poisonQueue } from "./poison-queue.ts";
export { randomFail } from "./random-fail.ts";
export { randomPanic } from "./random-panic.ts";
export { recoverer } from "./recoverer.ts";
export { RETRY_DEFAULTS, type RetryEvent, type RetryOptions, retry } from "./retry.ts";
export { type ThrottleOptions, throttle } from "./throttle.ts";
export { type TimeoutMiddleware, timeout } from "./timeout.ts";
