import type { produceV11 } from "@platformatic/kafka";
import { brokerError, errorId } from "./kafka-error.ts";

/** What the broker says of one batch. */
export interface BatchAnswer {
  /**
   * `again`: not in the log, try again. `doubtful`: perhaps in the log, repeat it. `renumber`: the broker does not know the batch's
   * producer or number. `in part`: not in the log for something in it, other parts may be taken. `refused`: not in the log, nor ever.
   */
  readonly kind: "written" | "again" | "doubtful" | "renumber" | "in part" | "refused";
  readonly error?: unknown;
}

const KINDS: Readonly<Record<string, BatchAnswer["kind"]>> = {
  NONE: "written",
  DUPLICATE_SEQUENCE_NUMBER: "written",
  NOT_LEADER_OR_FOLLOWER: "again",
  LEADER_NOT_AVAILABLE: "again",
  UNKNOWN_TOPIC_OR_PARTITION: "again",
  FENCED_LEADER_EPOCH: "again",
  NOT_ENOUGH_REPLICAS: "again",
  KAFKA_STORAGE_ERROR: "again",
  THROTTLING_QUOTA_EXCEEDED: "again",
  CONCURRENT_TRANSACTIONS: "again",
  REQUEST_TIMED_OUT: "doubtful",
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: "doubtful",
  NETWORK_EXCEPTION: "doubtful",
  UNKNOWN_SERVER_ERROR: "doubtful",
  OUT_OF_ORDER_SEQUENCE_NUMBER: "renumber",
  UNKNOWN_PRODUCER_ID: "renumber",
  MESSAGE_TOO_LARGE: "in part",
  RECORD_LIST_TOO_LARGE: "in part",
  INVALID_RECORD: "in part",
  INVALID_TIMESTAMP: "in part",
};

export function readAnswer(response: produceV11.ProduceResponse, topic: string, partition: number): BatchAnswer {
  const answer = response.responses.find(({ name }) => name === topic)?.partitionResponses.find(({ index }) => index === partition);
  const id = answer === undefined ? "NETWORK_EXCEPTION" : errorId(answer.errorCode);
  const kind = KINDS[id] ?? "refused";
  if (kind === "written") return { kind };
  const reason = answer?.recordErrors[0]?.batchIndexErrorMessage ?? answer?.errorMessage;
  const subject = `publishing to topic ${JSON.stringify(topic)}, partition ${partition}`;
  return { kind, error: brokerError(id, typeof reason === "string" ? `${subject} (${reason})` : subject) };
}
