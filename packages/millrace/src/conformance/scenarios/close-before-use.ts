import type { Scenario } from "../scenario.ts";

export const closeBeforeUse: Scenario = {
  name: "close-before-use",
  title: "closes at once when it was never used",
  run: async (world) => {
    const pubsub = await world.setup.create();
    await world.within(pubsub.close(), "close() of an unused pub/sub", 5_000);
  },
};
