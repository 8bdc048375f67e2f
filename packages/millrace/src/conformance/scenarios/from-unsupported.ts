import assert from "node:assert/strict";
import { OptionError } from "../../errors/index.ts";
import type { From } from "../../message/index.ts";
import { need, type Scenario } from "../scenario.ts";

export const fromUnsupported: Scenario = {
  name: "from-unsupported",
  title: "refuses a beginning that it cannot reach with an OptionError, instead of beginning elsewhere",
  needs: (capabilities) => need(!capabilities.replay, "the adapter can replay"),
  run: async (world) => {
    const pubsub = await world.open();
    const beginnings: readonly From[] = [{ time: new Date(0) }, { position: "1" }];
    for (const from of beginnings) {
      await assert.rejects(
        async () => {
          const subscription = await pubsub.subscribe(world.topic, { group: world.group, from });
          world.cleanUpWith(() => subscription[Symbol.asyncDispose]());
        },
        (error) => error instanceof OptionError || (error as Error).name === "OptionError",
      );
    }
  },
};
