import assert from "node:assert/strict";
import type { Scenario } from "../scenario.ts";

export const adminQuestions: Scenario = {
  name: "admin-questions",
  title: "has an admin for the questions that its broker can answer, and for no other",
  run: async (world) => {
    const { admin } = await world.open();
    const answered = Object.entries(admin ?? {}).flatMap(([name, question]) => (typeof question === "function" ? [name] : []));
    assert.deepEqual(answered.sort(), [...(world.setup.admin ?? [])].sort());
    assert.ok(admin === undefined || answered.length > 0, "an admin that answers nothing is left out");
  },
};
