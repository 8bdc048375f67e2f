import type { Subscription } from "../message/index.ts";
import type { World } from "./world.ts";

/** Waits until the subscription tells that lag: what others do is known a moment later. */
export async function lagIs(world: World, subscription: Subscription, lag: number): Promise<void> {
  await world.eventually(
    () => subscription.status().lag === lag,
    () => `the lag is ${lag}, not ${subscription.status().lag}`,
  );
}
