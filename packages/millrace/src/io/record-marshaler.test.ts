import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Message } from "../message/index.ts";
import { lossless, payload, timestampTopicPayload } from "./index.ts";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const bytes = (content: string): Uint8Array => new TextEncoder().encode(content);

describe("payload", () => {
  it("is the payload and nothing else", () => {
    const record = payload.marshal("t", new Message("hello", { metadata: { a: "b" } }));
    expect(text(record)).toBe("hello");
    const { message, topic } = payload.unmarshal(record);
    expect([message.text(), topic, message.metadata.size]).toEqual(["hello", undefined, 0]);
  });
});

describe("timestampTopicPayload", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("writes the time as Go does, without zeros at its end", () => {
    for (const [ms, fraction] of [
      [0, ""],
      [250, ".25"],
      [7, ".007"],
      [120, ".12"],
    ] as const) {
      vi.setSystemTime(new Date(2026, 0, 31, 7, 5, 9, ms));
      expect(text(timestampTopicPayload.marshal("orders", new Message("a: b")))).toBe(`[2026-01-31 07:05:09${fraction}] orders: a: b`);
    }
  });

  it("reads topic and payload back, also what Go wrote", () => {
    const { topic, message } = timestampTopicPayload.unmarshal(bytes("[2024-02-29 23:59:59.123456789] orders.v1: one: two"));
    expect([topic, message.text()]).toEqual(["orders.v1", "one: two"]);
    const binary = Uint8Array.from({ length: 256 }, (_, index) => index);
    const read = timestampTopicPayload.unmarshal(timestampTopicPayload.marshal("größe", new Message(binary)));
    expect([read.topic, new Uint8Array(read.message.payload)]).toEqual(["größe", binary]);
    for (const bad of ["", "hello", "[2024-02-29] a: b", "[2024-02-29 23:59:59] no topic"])
      expect(() => timestampTopicPayload.unmarshal(bytes(bad))).toThrow(TypeError);
  });
});

describe("lossless", () => {
  it("brings everything back, in one line", () => {
    const binary = Uint8Array.from({ length: 256 }, (_, index) => index);
    const message = new Message(binary, { id: "m\n1", key: "k", metadata: { b: "line\nbreak", a: "<ü>", __proto__x: "" } });
    const record = lossless.marshal("orders", message);
    expect(text(record)).not.toContain("\n");
    const { topic, message: read } = lossless.unmarshal(record);
    expect([topic, read.id, read.key, Object.fromEntries(read.metadata), read.payload]).toEqual([
      "orders",
      "m\n1",
      "k",
      { a: "<ü>", b: "line\nbreak", __proto__x: "" },
      binary,
    ]);
    expect(text(lossless.marshal("t", new Message("x", { id: "1" })))).toBe('{"topic":"t","uuid":"1","metadata":{},"payload":"eA=="}');
  });

  it("brings every key back byte for byte", () => {
    for (const key of ["", "k\0", "\ufeffk", "\ufffd", Uint8Array.of(0xff, 0), Uint8Array.of(0xc3, 0x28)]) {
      const message = new Message("x", { key });
      expect(lossless.unmarshal(lossless.marshal("t", message)).message.keyBytes).toEqual(message.keyBytes);
    }
    const record = text(lossless.marshal("t", new Message("x", { id: "1", key: Uint8Array.of(0xff) })));
    expect(record).toBe('{"topic":"t","uuid":"1","key_base64":"/w==","metadata":{},"payload":"eA=="}');
    for (const bad of ["1", '"k"', "null"]) expect(() => lossless.unmarshal(bytes(`{"key_base64":${bad},"payload":""}`))).toThrow("key_base64 is not base64");
  });

  it("refuses what is no such record", () => {
    for (const bad of [
      "",
      "7",
      "null",
      "{}",
      '{"payload":"?"}',
      '{"payload":"","uuid":1}',
      '{"payload":"","metadata":7}',
      '{"payload":"","metadata":{"a":1}}',
    ]) {
      expect(() => lossless.unmarshal(bytes(bad)), bad).toThrow();
    }
  });
});
