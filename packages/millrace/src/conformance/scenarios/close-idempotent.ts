import type { Scenario } from "../scenario.ts";

export const closeIdempotent: Scenario = {
  name: "close-idempotent",
  title: "closes as often as it is asked to, at once or one after the other",
  run: async (world) => {
    const pubsub = world.own(await world.setup.create());
    const subscription = await world.subscribe(pubsub);
    await world.within(Promise.all([subscription.close(), subscription.close(), subscription.drain()]), "three closings of a subscription at once");
    await world.within(subscription.close(), "closing it again");
    await world.within(Promise.all([pubsub.close(), pubsub.close()]), "two closings of the pub/sub at once");
    await world.within(pubsub.close(), "closing it again");
    await world.within(pubsub[Symbol.asyncDispose](), "disposing it");
    await world.within(subscription[Symbol.asyncDispose](), "disposing the subscription");
  },
};
