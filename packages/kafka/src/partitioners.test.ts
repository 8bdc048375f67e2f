import { murmur2 as clientMurmur2 } from "@platformatic/kafka";
import { describe, expect, it } from "vitest";
import { fnv1a, javaPartitioner, murmur2, partitionerOf, saramaPartitioner } from "./partitioners.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("partitioners", () => {
  // From the tests of Kafka's own Java client.
  it.each([
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
    ["abc", 479470107],
  ])("hash %s as Java does", (key, hash) => {
    expect(murmur2(bytes(key))).toBe(hash);
  });

  it("choose for a thousand keys, of any length and any bytes, what the client's copy of Java's choice would", () => {
    for (let count = 0; count < 1000; count++) {
      const key = Uint8Array.from({ length: count % 37 }, (_, index) => (count * 31 + index * 17) & 255);
      expect(murmur2(key)).toBe(clientMurmur2(Buffer.from(key)));
      expect(javaPartitioner(key, 7, "t")).toBe((clientMurmur2(Buffer.from(key)) & 0x7fffffff) % 7);
    }
  });

  // The published test vectors of FNV-1a with 32 bits.
  it.each([
    ["", 0x811c9dc5],
    ["a", 0xe40c292c],
    ["b", 0xe70c2de5],
    ["foobar", 0xbf9cf968],
  ])("hash %o as Sarama does", (key, hash) => {
    expect(fnv1a(bytes(key))).toBe(hash);
  });

  it("choose as Sarama does also where the hash is negative as a 32-bit number", () => {
    // 0xbf9cf968 is −1,080,231,576: Go's remainder by 7 is −4, its amount 4.
    expect(saramaPartitioner(bytes("foobar"), 7, "t")).toBe(4);
    expect(saramaPartitioner(bytes("a"), 3, "t")).toBe(Math.abs(-468965076 % 3));
  });

  it("refuse what a function of the user's chooses beyond the partitions", () => {
    expect(partitionerOf(() => 2)(bytes("k"), 3, "t")).toBe(2);
    expect(() => partitionerOf(() => 3)(bytes("k"), 3, "t")).toThrow(expect.objectContaining({ code: "UNENCODABLE" }));
  });
});
