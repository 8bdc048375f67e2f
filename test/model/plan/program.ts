/** A random program as plain data: it can be printed, pasted back, and made smaller piece by piece. What is left out has a default. */
export interface Program {
  readonly on: Place;
  /** Members of the group: each is a router (or forwarder, or fan-in) of its own. Default 1. */
  readonly members?: 2 | undefined;
  readonly bus?: BusPlan | undefined;
  /** Decorators of the subscriber. `contract`: nothing but what the contract names passes it. */
  readonly views?: ReadonlyArray<"transform" | "contract"> | undefined;
  /** Every subscribe takes so long. */
  readonly subscribeMs?: number | undefined;
  /** Both the program and the routers publish through `deduplicatePublisher`. */
  readonly deduplicated?: true | undefined;
  /** Every logger throws. */
  readonly brokenLogger?: true | undefined;
  /** The pub/sub closes at the end although messages are left, and has to say so. */
  readonly leaves?: true | undefined;
  readonly handlers: readonly HandlerPlan[];
  readonly steps: readonly Step[];
}

export type Place = "memory" | "persistent" | "sqlite" | "lossy";
export const PLACES: readonly Place[] = ["memory", "persistent", "sqlite", "lossy"];

export interface BusPlan {
  /** Memory: messages a group holds before publishers wait. */
  readonly bufferSize?: number | undefined;
  /** Memory: a publish waits for the acks. */
  readonly blocking?: true | undefined;
  /** Lossy: deliveries tell no position. */
  readonly nameless?: true | undefined;
  /** Lossy: an unordered nacked message goes back to the broker. */
  readonly returns?: true | undefined;
  /** Lossy: verdicts take so long to be durable. */
  readonly settleMs?: number | undefined;
  /** Lossy: what was lost comes again after so long. */
  readonly againMs?: number | undefined;
}

export interface HandlerPlan {
  readonly kind: "consumer" | "producing" | "batch" | "forwarder" | "fanIn";
  /** Default `"t0"`. */
  readonly from?: string | undefined;
  /** Default `"out"`, which nobody reads. */
  readonly to?: string | undefined;
  /** Default 1. */
  readonly concurrency?: number | undefined;
  readonly unordered?: true | undefined;
  readonly pipeline?: number | undefined;
  /** Of a batch. Default 1. */
  readonly size?: number | undefined;
  /** Of a batch. Default 0. */
  readonly maxWaitMs?: number | undefined;
  /** Default 3. */
  readonly attempts?: number | undefined;
  /** Default 10. */
  readonly minDelayMs?: number | undefined;
  /** Default 100, or `minDelayMs` where that is more. */
  readonly maxDelayMs?: number | undefined;
  readonly deadLetter?: true | undefined;
  /** Default 1,000. */
  readonly abandonAfterMs?: number | undefined;
  /** Whose ids results have: default one of their own, `same` as the consumed message's, `none` at all. */
  readonly ids?: "same" | "none" | undefined;
  /** The group is made by the first subscription only. */
  readonly unprovisioned?: true | undefined;
  readonly middleware?: readonly Layer[] | undefined;
}

export type Layer =
  | { readonly use: "retry"; readonly maxRetries?: number | undefined; readonly minDelayMs?: number | undefined }
  | { readonly use: "timeout"; readonly ms: number }
  | { readonly use: "circuitBreaker"; readonly failures?: number | undefined; readonly timeoutMs?: number | undefined }
  | { readonly use: "throttle"; readonly intervalMs: number }
  | { readonly use: "delayOnError"; readonly minDelayMs?: number | undefined }
  | { readonly use: "poisonQueue" | "ignoreErrors" | "deduplicator" | "instantAck" | "recoverer" | "duplicator" | "correlationId" }
  /** Fail the first calls that come to them. */
  | { readonly use: "randomFail" | "randomPanic"; readonly times: number }
  /** Fails after its inner handler has done well, so often. */
  | { readonly use: "failAfter"; readonly times: number; readonly ms?: number | undefined }
  /** Waits before it calls on: the first call so long, the second so long, and so on; the others not at all. */
  | { readonly use: "slow"; readonly waits: readonly number[] };

export interface MessagePlan {
  /** Names the message: what everything is checked by. */
  readonly text: string;
  /** So many like it, `1`, `1.2`, `1.3` and so on, all with the acts of the first. */
  readonly copies?: number | undefined;
  readonly key?: string | undefined;
  /** Default: the text. */
  readonly id?: string | undefined;
  /** What a handler does at its first call for this message, its second, and so on; then it returns at once. */
  readonly acts?: readonly Act[] | undefined;
}

export interface Act {
  readonly sleep?: number | undefined;
  /** Never ends, unless it obeys. */
  readonly hang?: true | undefined;
  /** Ends when its signal aborts, with the signal's reason. */
  readonly obey?: true | undefined;
  /** A verdict of its own, after it has slept: an ack, a nack with this delay, or one without a delay, counted or not. */
  readonly verdict?: "ack" | "nack" | "uncounted" | number | undefined;
  /** The verdict comes before the sleep, and so does the end of the router or handler. */
  readonly early?: true | undefined;
  /** `reject` is `throw` with a promise, `panic` throws what is no error. */
  readonly end?: "throw" | "reject" | "panic" | "permanent" | undefined;
  /** Results of a producing handler. Default 1. */
  readonly make?: number | undefined;
  /** Ends its own router, or handler, when it has slept, and waits for it. */
  readonly ends?: "router" | "handler" | undefined;
}

export type Step =
  | { readonly do: "publish"; readonly topic?: string | undefined; readonly messages: readonly MessagePlan[] }
  /** `publish(topic, undefined)`. */
  | { readonly do: "publishNothing" }
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "start" | "idle" | "health"; readonly member?: number | undefined }
  | { readonly do: "close"; readonly member?: number | undefined; readonly timeoutMs?: number | undefined }
  | { readonly do: "pause" | "resume" | "stop" | "stopThenStart"; readonly handler?: number | undefined; readonly member?: number | undefined }
  /** Of what the program or a handler publishes to the topic (`out`, `dead` and `poison` are topics too), the next calls. */
  | {
      readonly do: "publishes";
      readonly topic: string;
      readonly times?: number | undefined;
      readonly fail?: "rejected" | "unknown" | undefined;
      readonly ms?: number | undefined;
      /** So many messages of a call are confirmed before it fails. */
      readonly confirmed?: number | undefined;
    }
  /** The target refuses every call with this message in it, for ever. */
  | { readonly do: "refuse"; readonly text: string }
  /** The next subscribe does not answer. */
  | { readonly do: "hangSubscribe" }
  /** Memory: somebody without a group comes, reads nothing, and leaves. */
  | { readonly do: "readerComes" | "readerLeaves" }
  /** Lossy: what was delivered is another's, all of it or that of one key. */
  | { readonly do: "lose"; readonly key?: string | undefined }
  /** Lossy: the connection breaks; `losing` with all deliveries; `fatal` beyond mending, so that the router has to subscribe again. */
  | { readonly do: "cut"; readonly losing?: true | undefined; readonly fatal?: true | undefined }
  /** Lossy: the next verdict throws. */
  | { readonly do: "breakVerdict" };

/** Never none: what is tried for ever without a wait would let nothing else run. */
export function longestDelayMs({ minDelayMs = 10, maxDelayMs = 100 }: HandlerPlan): number {
  return Math.max(1, minDelayMs, maxDelayMs);
}

/** What a step may do only here. */
export function belongs(step: Step, on: Place): boolean {
  if (step.do === "lose" || step.do === "cut" || step.do === "breakVerdict") return on === "lossy";
  if (step.do === "readerComes" || step.do === "readerLeaves") return on === "memory" || on === "persistent";
  return true;
}
