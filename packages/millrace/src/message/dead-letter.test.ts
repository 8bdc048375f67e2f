import { describe, expect, it } from "vitest";
import { deadLetter, deadLetterMetadata } from "./dead-letter.ts";
import { Message } from "./index.ts";

const FACTS = { reason: new Error("no stock"), topic: "orders", handler: "charge", subscriber: "KafkaPubSub" };

describe("deadLetterMetadata", () => {
  it("tells reason, topic, handler and subscriber, and attempts and position where they are known", () => {
    const four = { reason_poisoned: "no stock", topic_poisoned: "orders", handler_poisoned: "charge", subscriber_poisoned: "KafkaPubSub" };
    expect(deadLetterMetadata(FACTS)).toEqual(four);
    expect(deadLetterMetadata({ ...FACTS, attempts: 3, position: "0:17" })).toEqual({ ...four, attempts_poisoned: "3", position_poisoned: "0:17" });
  });

  it("takes for the reason whatever was thrown, in at most 4,096 bytes of valid text", () => {
    const reasons = ["text", 7, null, Symbol("s"), { message: "like an error" }, Object.create(null), new Error("half \ud83d")].map(
      (reason) => deadLetterMetadata({ ...FACTS, reason }).reason_poisoned,
    );
    expect(reasons).toEqual(["text", "7", "null", "Symbol(s)", "like an error", "something was thrown that cannot be shown", "half \ufffd"]);
    const long = deadLetterMetadata({ ...FACTS, reason: `${"é".repeat(2_047)}x` }).reason_poisoned as string;
    expect(Buffer.byteLength(long)).toBe(4_095); // fits as it is
    const cut = deadLetterMetadata({ ...FACTS, reason: "😀".repeat(2_000) }).reason_poisoned as string;
    expect(cut).toBe(`${"😀".repeat(1_023)}…`);
  });
});

describe("deadLetter", () => {
  it("is a copy with the same id, key bytes and payload, and leaves the message as it is", () => {
    const key = Uint8Array.of(0xff, 0x00);
    const message = new Message("p", { id: "m-1", key, metadata: { tenant: "acme" } });
    const letter = deadLetter(message, FACTS);
    expect([letter.id, letter.keyBytes, letter.text(), letter.metadata.get("tenant")]).toEqual(["m-1", key, "p", "acme"]);
    expect([...message.metadata]).toEqual([["tenant", "acme"]]);
  });

  it("is not delayed itself, unless it is to be", () => {
    const message = new Message("p", { delayMs: 60_000 });
    expect(deadLetter(message, FACTS).dueAt).toBeUndefined();
    expect(deadLetter(message, FACTS).metadata.has("_watermill_delayed_for")).toBe(false);
    expect(deadLetter(message, FACTS, { keepsDelay: true }).dueAt).toEqual(message.dueAt);
  });

  it("replaces all that an earlier dead letter told", () => {
    const earlier = deadLetter(new Message("p"), { ...FACTS, attempts: 10, position: "0:17" });
    const letter = deadLetter(earlier, { ...FACTS, reason: "again", topic: "dead" });
    expect(Object.fromEntries(letter.metadata)).toEqual(deadLetterMetadata({ ...FACTS, reason: "again", topic: "dead" }));
  });
});
