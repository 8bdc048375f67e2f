import type { Channel } from "amqplib";
import { Message } from "millrace";
import { describe, expect, it, vi } from "vitest";
import { sharedBroker } from "../../../test/brokers/index.ts";
import { readSome } from "../../../test/read-some.ts";
import type { WireProperties } from "./codec.ts";
import { FrameBatch } from "./frame-batch.ts";
import * as raw from "./raw-channel.ts";
import { bareChannel, fresh, openBus, present } from "./testing/with-broker.ts";

const shared = sharedBroker("rabbitmq");

interface Inside {
  readonly ch: number;
  readonly connection: { readonly channels: readonly ({ buffer: { write(bytes: Buffer): boolean } } | null)[] };
}

/** What amqplib writes for a message, which does not reach the broker. */
function writtenByAmqplib(channel: Channel, publish: () => void): Buffer {
  const { ch, connection } = channel as unknown as Inside;
  const pieces: Buffer[] = [];
  const write = vi.spyOn((connection.channels[ch] as NonNullable<(typeof connection.channels)[number]>).buffer, "write").mockImplementation((bytes) => {
    pieces.push(bytes);
    return true;
  });
  publish();
  write.mockRestore();
  return Buffer.concat(pieces);
}

describe("frames made here", () => {
  it("are, byte for byte, those of this amqplib", async (context) => {
    const { url } = present(context, shared);
    const channel = await bareChannel(url);
    const { number, frameMax } = raw.rawChannel(channel) ?? {};
    if (number === undefined || frameMax === undefined) throw new Error("amqplib has moved what messages are written to: see raw-channel.ts");
    const properties: WireProperties[] = [
      { headers: {} },
      { headers: { a: "b", ż: "ółć", empty: "", long: "x".repeat(50_000) }, persistent: true, mandatory: true },
      { headers: { a: "b" }, persistent: false, correlationId: "ż-1" },
    ];
    const lengths = [0, 1, 2_000, 5_000, frameMax - 9, frameMax - 8, frameMax - 7, 2 * (frameMax - 8), 300_000];
    for (const each of properties) {
      for (const length of lengths) {
        const content = Buffer.alloc(length, 7);
        const batch = new FrameBatch(number, frameMax);
        expect(batch.add("exchange-ż", "key.ż", content, each)).toBe(true);
        const theirs = writtenByAmqplib(channel, () => channel.publish("exchange-ż", "key.ż", content, each));
        expect(batch.take().equals(theirs), `${JSON.stringify(each).slice(0, 60)}, ${length} bytes`).toBe(true);
      }
    }
  });

  it("leave to amqplib what they cannot say", () => {
    const batch = new FrameBatch(1, 4_096);
    for (const each of [{ headers: { n: 7 } }, { headers: {}, priority: 3 }]) expect(batch.add("e", "k", Buffer.from("x"), each)).toBe(false);
    expect(batch.length).toBe(0);
  });
});

describe("an amqplib that has no place for frames", () => {
  it("is given messages one by one: they arrive as they are, in order, each with its own fate", async (context) => {
    const { url } = present(context, shared);
    const inside = vi.spyOn(raw, "rawChannel").mockReturnValue(undefined);
    try {
      const topic = fresh("one-by-one");
      const bus = openBus(url);
      const subscription = await bus.subscribe(topic, { group: "g" });
      const lengths = [0, 1, 131_064, 131_065, 300_000, ...Array.from({ length: 200 }, (_, index) => index)];
      const messages = lengths.map((length) => new Message(new Uint8Array(length).fill(7), { key: "k", metadata: { long: "ż".repeat(1_000), empty: "" } }));
      const long = new Message("never", { metadata: { long: "x".repeat(140_000) } });
      const [first, ...others] = messages;
      await Promise.all([bus.publish(topic, first as Message), ...others.map((message) => bus.publish(topic, message))]);
      await expect(bus.publish(topic, [new Message("a"), long, new Message("c")])).rejects.toMatchObject({
        code: "UNENCODABLE",
        outcomes: ["confirmed", "rejected", "rejected"],
      });
      await expect(bus.publish(fresh("nobody"), new Message("x"))).rejects.toMatchObject({ code: "UNROUTABLE", outcomes: ["rejected"] });
      const got = await readSome(subscription, lengths.length + 1);
      expect(got.slice(0, -1).map(({ id, key, payload }) => [id, key, payload.length])).toEqual(messages.map(({ id }, index) => [id, "k", lengths[index]]));
      expect(got.every(({ metadata }) => metadata.size === 0 || metadata.get("long") === "ż".repeat(1_000))).toBe(true);
      expect(got.at(-1)?.text()).toBe("a");
      expect(inside).toHaveBeenCalled();
    } finally {
      inside.mockRestore();
    }
  });
});
