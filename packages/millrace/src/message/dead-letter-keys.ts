/** Metadata of a message in a dead letter topic. The first four are Watermill's poison queue, so its tools read them. */
export const REASON_POISONED = "reason_poisoned";
export const TOPIC_POISONED = "topic_poisoned";
export const HANDLER_POISONED = "handler_poisoned";
export const SUBSCRIBER_POISONED = "subscriber_poisoned";
/** How many times the message was handed out before it was given up. */
export const ATTEMPTS_POISONED = "attempts_poisoned";
/** Where bytes were that could not be decoded: the broker's name for the place, as in `delivery.position`. */
export const POSITION_POISONED = "position_poisoned";
