import { describe, expect, it } from "vitest";
import { Received } from "../adapter/index.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { deadLetter, undecodableLetter } from "./dead-letter.ts";
import { Message } from "./message.ts";
import { NATIVE, type Native, NO_PAYLOAD, nativeOf } from "./native.ts";
import type { ReceivedMessage } from "./received-message.ts";

const native: Native = { family: "mail", text: () => "stamps" };
const facts = { reason: "x", topic: "t", handler: "h", subscriber: "s" };

function received(receipt: unknown, source: object = {}): ReceivedMessage {
  return new Received({ source: { id: "m-1", ...source }, key: "k", payload: NO_PAYLOAD, metadata: undefined }, receipt);
}

describe("what only one family of brokers knows", () => {
  it.each([
    ["receipt", received({ [NATIVE]: native })],
    ["source", received(undefined, { [NATIVE]: native })],
  ])("is that of the %s, in every view and copy", (_, message) => {
    expect(nativeOf(message)).toBe(native);
    expect(nativeOf(message.derive({}).derive({ metadata: {} }))).toBe(native);
    expect(nativeOf(message.copy({ metadata: { a: "b" } }).copy({ key: "other" }))).toBe(native);
    expect(nativeOf(deadLetter(message, facts))).toBe(native);
    expect(message.copy().payload).toBe(NO_PAYLOAD);
  });

  it("is nothing where there is nothing", () => {
    for (const message of [received(undefined), received(7), received(null), new Message("x"), new Message("x").copy()])
      expect(nativeOf(message)).toBeUndefined();
  });

  it("goes through memory", async () => {
    const bus = new MemoryPubSub();
    const subscription = await bus.subscribe("t");
    await bus.publish("t", received({ [NATIVE]: native }).copy());
    for await (const message of subscription) {
      expect(nativeOf(message)).toBe(native);
      message.ack();
      break;
    }
    await bus.close();
  });

  it("goes with bytes that nobody could read, as do their key and their metadata", () => {
    const error = new Error("no");
    const record = { topic: "t", position: "7", payload: Uint8Array.of(1), error, key: Uint8Array.of(200), metadata: { a: "b" }, native };
    const letter = undecodableLetter(record, facts);
    expect([letter.keyBytes, letter.metadata.get("a"), letter.metadata.get("position_poisoned"), nativeOf(letter)]).toEqual([
      Uint8Array.of(200),
      "b",
      "7",
      native,
    ]);
  });
});
