import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { ROOT } from "../scripts/workspace.ts";

describe("the sources", () => {
  it("pass the type checker", () => {
    expect(outputOf("typecheck")).toBe("");
  });

  it("pass the linter and the formatter", () => {
    expect(outputOf("lint", "--log-level=error")).toBe("");
  });
});

function outputOf(...command: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["scripts/run.mjs", ...command], { cwd: ROOT, encoding: "utf8" });
  return status === 0 ? "" : `${stdout}${stderr}`.trim() || `exit code ${status}`;
}
