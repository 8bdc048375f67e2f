import assert from "node:assert/strict";
import { MillraceError } from "../../errors/index.ts";
import type { Scenario } from "../scenario.ts";

export const badOptions: Scenario = {
  name: "bad-options",
  title: "refuses bad subscribe options with an OptionError",
  run: async (world) => {
    const pubsub = await world.open();
    for (const maxInFlight of [0, -1, 1.5, Number.NaN]) {
      await assert.rejects(
        async () => {
          const subscription = await pubsub.subscribe(world.topic, { group: world.group, maxInFlight });
          world.cleanUpWith(() => subscription[Symbol.asyncDispose]());
        },
        (error) => MillraceError.is(error) && error.name === "OptionError",
        `maxInFlight: ${maxInFlight}`,
      );
    }
  },
};
