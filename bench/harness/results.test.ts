import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PARTS } from "../parts/index.ts";
import { replacePart } from "./results.ts";

const PAGE = "# Results\n<!-- bench:memory -->\nold\n<!-- /bench:memory -->\nby hand\n<!-- bench:timer -->\n<!-- /bench:timer -->\n";

describe("replacePart", () => {
  it("writes between the markers of its part and leaves the rest alone", () => {
    expect(replacePart(PAGE, "memory", "new")).toBe(PAGE.replace("old", "new"));
    expect(replacePart(replacePart(PAGE, "timer", "one"), "timer", "two")).toBe(PAGE.replace("timer -->\n<", "timer -->\ntwo\n<"));
  });

  it("says which lines are missing when the page has no place for the part", () => {
    expect(() => replacePart(PAGE, "sqlite", "new")).toThrow("add the lines <!-- bench:sqlite --> and <!-- /bench:sqlite -->");
  });
});

describe("bench/RESULTS.md", () => {
  it("has a place for every part", () => {
    const page = readFileSync(new URL("../RESULTS.md", import.meta.url), "utf8");
    expect(PARTS.filter(({ name }) => !page.includes(`<!-- bench:${name} -->`) || !page.includes(`<!-- /bench:${name} -->`))).toEqual([]);
  });
});
