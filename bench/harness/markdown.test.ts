import { expect, it } from "vitest";
import { markdown } from "./markdown.ts";

it("writes conditions, aligned tables and goals, and marks the goals that were missed", () => {
  const text = markdown({
    conditions: ["100 messages"],
    tables: [{ caption: "Speed:", head: ["way", "rate"], rows: [["one by one", "9 /s"]] }],
    goals: [
      { text: "fast", reached: true },
      { text: "flat", reached: false },
    ],
  });
  expect(text).toBe(
    "- 100 messages\n\nSpeed:\n\n| way        | rate |\n|------------|-----:|\n| one by one | 9 /s |\n\nGoals:\n\n- reached: fast\n- **missed**: flat",
  );
});
