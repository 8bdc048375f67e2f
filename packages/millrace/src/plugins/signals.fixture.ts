import process from "node:process";
import { MemoryPubSub, Message, Router } from "../index.ts";
import { signals } from "./signals.ts";

/** A process with one handler that takes as long as its argument says. */
const handlingMs = Number(process.argv[2]);
const bus = new MemoryPubSub();
const router = new Router({ subscriber: bus, publisher: bus, owns: [bus] });
router.addPlugin(signals());
router.addConsumerHandler({
  name: "slow",
  subscribe: "work",
  handle: async () => {
    console.log("handling");
    await new Promise((resolve) => setTimeout(resolve, handlingMs));
    console.log("handled");
  },
});
// A service has sockets that keep it alive; this stands for them.
const alive = setInterval(() => {}, 1_000);
const ended = router.run().then(() => console.log("closed"));
await router.started;
await bus.publish("work", new Message("1"));
await ended;
clearInterval(alive);
