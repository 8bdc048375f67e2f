import { type produceV11, protocolErrorsCodesById } from "@platformatic/kafka";
import { describe, expect, it } from "vitest";
import { type BatchAnswer, readAnswer } from "./batch-answer.ts";

/** What is made of the broker's answer, by the name of its error. */
const answers: ReadonlyMap<string, BatchAnswer["kind"]> = new Map(
  [[0, "NONE"] as const, ...Object.entries(protocolErrorsCodesById)].map(([errorCode, name]) => [name, readAnswer(answer(Number(errorCode)), "t", 0).kind]),
);

function answer(errorCode: number): produceV11.ProduceResponse {
  const partition = { index: 0, errorCode, baseOffset: 0n, logAppendTimeMs: 0n, logStartOffset: 0n, recordErrors: [], errorMessage: null };
  return { responses: [{ name: "t", partitionResponses: [partition] }], throttleTimeMs: 0 };
}

const named = (...kinds: BatchAnswer["kind"][]): string[] => [...answers].flatMap(([name, kind]) => (kinds.includes(kind) ? [name] : [])).sort();

describe("the answer to a batch", () => {
  it("says that it is written only without an error, or where the broker knows it for a repeat of the last one", () => {
    expect(answers.size).toBeGreaterThan(100);
    expect(named("written")).toEqual(["DUPLICATE_SEQUENCE_NUMBER", "NONE"]);
  });

  it("leaves in doubt what the broker may have written and did not say so", () => {
    expect(named("doubtful")).toEqual(["NETWORK_EXCEPTION", "NOT_ENOUGH_REPLICAS_AFTER_APPEND", "REQUEST_TIMED_OUT", "UNKNOWN_SERVER_ERROR"]);
    expect(readAnswer(answer(0), "t", 1).kind).toBe("doubtful");
    expect(readAnswer(answer(0), "another", 0).kind).toBe("doubtful");
  });

  it("asks for a fresh identity where the broker does not know the producer, or has not had what came before", () => {
    expect(named("renumber")).toEqual(["OUT_OF_ORDER_SEQUENCE_NUMBER", "UNKNOWN_PRODUCER_ID"]);
  });

  it("tries again where another broker leads, or too few replicas are there", () => {
    expect(named("again")).toEqual(expect.arrayContaining(["NOT_ENOUGH_REPLICAS", "NOT_LEADER_OR_FOLLOWER", "LEADER_NOT_AVAILABLE", "KAFKA_STORAGE_ERROR"]));
  });
});
