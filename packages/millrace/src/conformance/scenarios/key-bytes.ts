import assert from "node:assert/strict";
import { Message } from "../../message/index.ts";
import { allOf, need, needsOrder, type Scenario } from "../scenario.ts";

const ROUNDS = 5;
/** What a way through text, or through a decoder that is not strict, makes one of two. */
const KEYS: ReadonlyArray<string | Uint8Array> = [
  "",
  "k",
  "\ufeffk",
  "\ufeff",
  "k\0",
  "\0",
  "\ufffd",
  "/w==",
  Uint8Array.of(0xff),
  Uint8Array.of(0xfe),
  Uint8Array.of(0xc3, 0x28),
  Uint8Array.of(0xed, 0xa0, 0x80),
  Uint8Array.of(0xef, 0xbb, 0xbf, 0xff),
  "x".repeat(1024),
  Uint8Array.from({ length: 1024 }, (_, at) => at % 256),
  Uint8Array.from({ length: 1024 }, (_, at) => (at === 1023 ? 0 : at % 256)),
];

export const keyBytes: Scenario = {
  name: "key-bytes",
  title: "carries every key byte for byte, keeps the order of each, and takes no two for one",
  proves: ["keys"],
  needs: (capabilities) => allOf(needsOrder(capabilities), need(capabilities.keys, "the adapter carries no keys")),
  run: async (world) => {
    const pubsub = await world.open();
    const onward = world.topicNamed("onward");
    const again = await world.watch(pubsub, { topic: onward });
    const probe = await world.watch(pubsub, {
      maxInFlight: 2 * KEYS.length,
      decide: ({ message }) => (message.text() === "0" ? "hold" : "ack"),
    });
    const keyed = Array.from({ length: ROUNDS }, (_, round) => KEYS.map((key) => new Message(String(round), { key })));
    const sent = new Map([...keyed.flat(), new Message("keyless")].map((message) => [message.id, message]));
    for (const messages of keyed) await pubsub.publish(world.topic, messages);
    await pubsub.publish(world.topic, [...sent.values()].at(-1) as Message);

    // The first of every key is in hand at once, so none waits behind another key.
    await probe.until(() => probe.holding.size >= KEYS.length, "the first message of every key is handed out");
    for (const { message } of probe.holding.values()) await pubsub.publish(onward, [message, message.copy({ id: `copy of ${message.id}` })]);
    for (const id of [...probe.holding.keys()]) probe.settle(id, "ack");
    await probe.until(() => probe.acked.size >= sent.size, "all are acked");
    await again.until(() => again.acked.size >= 2 * KEYS.length, "all that was published again is acked");

    for (const { message } of [...probe.handOuts, ...again.handOuts]) {
      const original = sent.get(message.id.replace("copy of ", ""));
      assert.equal(hex(message.keyBytes), hex(original?.keyBytes), `the key of ${JSON.stringify(original?.key?.slice(0, 32))}`);
      assert.equal(message.key, original?.key);
    }
    const finished = new Map<string, number[]>();
    for (const id of probe.order) {
      const message = sent.get(id) as Message;
      const key = hex(message.keyBytes);
      if (message.key !== undefined) finished.set(key, [...(finished.get(key) ?? []), Number(message.text())]);
    }
    assert.equal(finished.size, KEYS.length);
    for (const [key, rounds] of finished)
      assert.deepEqual(
        rounds,
        Array.from({ length: ROUNDS }).map((_, round) => round),
        `order of ${key}`,
      );
  },
};

function hex(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? "none" : Buffer.from(bytes).toString("hex");
}
