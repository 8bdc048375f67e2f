import assert from "node:assert/strict";
import { Message } from "../../message/index.ts";
import type { Scenario } from "../scenario.ts";

export const metadata: Scenario = {
  name: "metadata",
  title: "carries metadata that is empty, unicode and 64 kB long",
  run: async (world) => {
    const pubsub = await world.open();
    const probe = await world.watch(pubsub);
    const long = "x".repeat(Math.min(world.limits.maxMetadataBytes ?? 64 * 1024, 64 * 1024));
    const rows: readonly Record<string, string>[] = [
      {},
      { empty: "" },
      { unicode: "żółć 事件 🌊", 'quoted"key': "'\";--\\", newline: "a\nb\tc" },
      { long },
      { "name-with.dots_and-dashes": "1", constructor: "own", toString: "own" },
    ];
    const messages = rows.map((row) => new Message("m", { metadata: row }));
    await pubsub.publish(world.topic, messages);
    await probe.until(() => probe.acked.size >= messages.length, "all have arrived");
    for (const { message } of probe.handOuts) {
      const place = messages.findIndex(({ id }) => id === message.id);
      for (const [key, value] of Object.entries(rows[place] ?? {})) assert.equal(message.metadata.get(key), value, `metadata ${key}`);
    }
  },
};
