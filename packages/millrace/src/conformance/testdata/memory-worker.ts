import { MemoryPubSub } from "../../memory/index.ts";
import { Message } from "../../message/index.ts";
import { serveWorker } from "../serve-worker.ts";

/** A worker that has its broker in itself, with three messages on the topic. */
await serveWorker(async (task) => {
  const pubsub = new MemoryPubSub({ persistent: true });
  await pubsub.publish(
    task.topic,
    ["a", "b", "c"].map((id) => new Message(id, { id })),
  );
  return pubsub;
});
