import assert from "node:assert/strict";
import { MillraceError } from "../../errors/index.ts";
import { need, type Scenario } from "../scenario.ts";

export const adminAfterClose: Scenario = {
  name: "admin-after-close",
  title: "rejects every question to its admin with CLOSED after close()",
  needs: (_capabilities, setup) => need((setup.admin?.length ?? 0) > 0, "the adapter has no admin"),
  run: async (world) => {
    const pubsub = await world.setup.create();
    const questions = (world.setup.admin ?? []).map((question) => [question, world.ask(pubsub, question)] as const);
    await world.within(pubsub.close(), "close()");
    for (const [question, ask] of questions) {
      const asking = (ask as (...values: string[]) => Promise<unknown>)(world.topic, world.group ?? "g", "earliest");
      await assert.rejects(world.within(asking, question), (error) => {
        assert.ok(MillraceError.is(error), `a MillraceError, not ${error}`);
        assert.equal(error.code, "CLOSED");
        return true;
      });
    }
  },
};
