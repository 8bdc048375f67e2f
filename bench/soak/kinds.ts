type Kind = "ready" | "handed" | "done" | "lost" | "flushed" | "unflushed" | "status" | "closed" | "faultBegun" | "faultEnded";

/** What a line of the journal says. `a` and `b` are its two numbers. */
export const KIND: Readonly<Record<Kind, number>> = Object.freeze({
  /** A member has subscribed. */
  ready: 1,
  /** A member was handed message `a`. Written before its handler does anything. */
  handed: 2,
  /** A member has handled message `a` and is about to ack it. */
  done: 3,
  /** A member's delivery of message `a` was lost: before it was done (`b` is 0), or its ack was refused (`b` is 1). */
  lost: 4,
  /** A member's first `a` acks are durable: it called `flush` after them, and that resolved. */
  flushed: 5,
  /** `flush` rejected: of the member's first `a` acks some may not be durable. */
  unflushed: 6,
  /** A member has `a` messages in flight and holds `b`. */
  status: 7,
  /** A member has closed its subscription in order. */
  closed: 8,
  /** Fault `a` is about to begin. */
  faultBegun: 9,
  /** Fault `a` is over: all that was published before it was done is handled. */
  faultEnded: 10,
});
