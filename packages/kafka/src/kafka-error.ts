import { protocolErrors, protocolErrorsCodesById } from "@platformatic/kafka";
import { MillraceError } from "millrace";

interface Meaning {
  readonly code: string;
  readonly retryable: boolean;
  readonly text: string;
}

const MEANINGS: Readonly<Record<string, Meaning>> = {
  UNKNOWN_TOPIC_OR_PARTITION: { code: "TOPIC_MISSING", retryable: false, text: "the topic is not there" },
  INVALID_TOPIC_EXCEPTION: {
    code: "BAD_TOPIC",
    retryable: false,
    text: "Kafka refuses the topic's name: letters, digits, dot, dash and underscore, at most 249",
  },
  TOPIC_AUTHORIZATION_FAILED: { code: "ACCESS_DENIED", retryable: false, text: "this user may not use the topic" },
  GROUP_AUTHORIZATION_FAILED: { code: "ACCESS_DENIED", retryable: false, text: "this user may not use the group" },
  CLUSTER_AUTHORIZATION_FAILED: { code: "ACCESS_DENIED", retryable: false, text: "this user may not do that on the cluster" },
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: { code: "ACCESS_DENIED", retryable: false, text: "this user may not use the transactional id" },
  SASL_AUTHENTICATION_FAILED: { code: "AUTHENTICATION_FAILED", retryable: false, text: "the broker does not accept the user name or password" },
  MESSAGE_TOO_LARGE: { code: "MESSAGE_TOO_LARGE", retryable: false, text: "the message is larger than the topic's max.message.bytes" },
  RECORD_LIST_TOO_LARGE: { code: "MESSAGE_TOO_LARGE", retryable: false, text: "the message is larger than a segment of the topic's log" },
  INVALID_RECORD: { code: "MESSAGE_REFUSED", retryable: false, text: "the topic takes no such message" },
  INVALID_TIMESTAMP: { code: "MESSAGE_REFUSED", retryable: false, text: "the topic takes no message of that time" },
  INCONSISTENT_GROUP_PROTOCOL: {
    code: "GROUP_MISMATCH",
    retryable: false,
    text: 'the group has members that assign partitions in another way (set rebalance: "eager" to share a group with members written in Go)',
  },
  UNKNOWN_MEMBER_ID: { code: "DELIVERY_LOST", retryable: true, text: "the group has given this member's partitions to others" },
  ILLEGAL_GENERATION: { code: "DELIVERY_LOST", retryable: true, text: "the group has gathered anew since" },
  PRODUCER_FENCED: { code: "PRODUCER_FENCED", retryable: false, text: "another process has taken over this transactional id" },
  INVALID_PRODUCER_EPOCH: { code: "PRODUCER_FENCED", retryable: false, text: "another process has taken over this transactional id" },
};

/** The name that Kafka gives an error code, such as `NOT_LEADER_OR_FOLLOWER`. */
export function errorId(code: number): string {
  return (protocolErrorsCodesById as Readonly<Record<number, string>>)[code] ?? `UNKNOWN_${code}`;
}

/** What a broker answered, as a `MillraceError`: by meaning where it has one of ours, else `KAFKA_ERROR` with Kafka's own name in the text. */
export function brokerError(id: string, subject: string, cause?: unknown): MillraceError {
  const meaning = MEANINGS[id];
  if (meaning === undefined) {
    const known = (protocolErrors as Readonly<Record<string, { readonly canRetry: boolean } | undefined>>)[id];
    return new MillraceError(`${subject}: the broker answers ${id}`, { code: "KAFKA_ERROR", retryable: known?.canRetry ?? true, cause });
  }
  return new MillraceError(`${subject}: ${meaning.text} (${id})`, { code: meaning.code, retryable: meaning.retryable, cause });
}

/** The error of a connection: wrong password, no broker, no answer. */
export function connectionError(cause: unknown, address: string): MillraceError {
  if (MillraceError.is(cause)) return cause;
  if (hasCode(cause, "PLT_KFK_AUTHENTICATION")) {
    return new MillraceError(`${address}: the broker does not accept the user name, the password or the SASL mechanism`, {
      code: "AUTHENTICATION_FAILED",
      cause,
    });
  }
  return new MillraceError(`${address} cannot be reached: ${rootText(cause)}`, { code: "BROKER_UNREACHABLE", retryable: true, cause });
}

function hasCode(error: unknown, code: string): boolean {
  for (let seen = error, depth = 0; depth < 8 && typeof seen === "object" && seen !== null; depth++) {
    if ((seen as { code?: unknown }).code === code) return true;
    seen = (seen as { cause?: unknown }).cause;
  }
  return false;
}

function rootText(error: unknown): string {
  let last = error;
  for (let depth = 0; depth < 8 && (last as { cause?: unknown } | undefined)?.cause !== undefined; depth++) last = (last as { cause: unknown }).cause;
  return last instanceof Error ? last.message || String((last as { code?: unknown }).code) : String(last);
}

/** The same error, but one that a supervisor tries again after: a subscription that has worked before does not give up. */
export function asRetryable(error: unknown): unknown {
  if (!MillraceError.is(error) || error.retryable) return error;
  return new MillraceError(error.message, { code: error.code, retryable: true, cause: error });
}
