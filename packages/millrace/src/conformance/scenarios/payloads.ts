import assert from "node:assert/strict";
import { Message } from "../../message/index.ts";
import type { Scenario } from "../scenario.ts";

export const payloads: Scenario = {
  name: "payloads",
  title: "delivers binary, empty and large payloads byte for byte",
  run: async (world) => {
    const largest = world.limits.maxPayloadBytes ?? 1024 * 1024;
    const large = new Uint8Array(Math.min(largest, 1024 * 1024)).map((_, index) => (index * 31) & 255);
    const all = [Uint8Array.from({ length: 256 }, (_, byte) => byte), new Uint8Array(0), new Uint8Array([0]), new Uint8Array([0xff, 0xfe, 0xc3, 0x28]), large];
    const pubsub = await world.open();
    const probe = await world.watch(pubsub);
    const messages = all.map((payload) => new Message(payload));
    for (const message of messages) await pubsub.publish(world.topic, message);
    await probe.until(() => probe.acked.size >= messages.length, "all payloads have arrived");
    const got = new Map(probe.handOuts.map(({ message }) => [message.id, message.payload]));
    for (const { id, payload } of messages) {
      const received = got.get(id);
      assert.ok(received instanceof Uint8Array, `payload of ${payload.length} bytes arrives as bytes`);
      assert.ok(Buffer.compare(received, payload) === 0, `payload of ${payload.length} bytes arrives unchanged (${received.length} bytes came)`);
    }
  },
};
