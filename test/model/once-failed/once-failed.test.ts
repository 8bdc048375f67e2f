import { expect, it } from "vitest";
import { runProgram } from "../run/run-program.ts";
import { all } from "./all.ts";

it.each(all)("$holds", async ({ program }) => {
  const { violations, lines } = await runProgram(program);
  expect(violations, lines.slice(-60).join("\n")).toEqual([]);
});
