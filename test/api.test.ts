import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { API_FILE, apiText } from "../scripts/api.ts";

describe("docs/api.txt", () => {
  it("shows every export as it is; if it does not, run npm run api", () => {
    const written = existsSync(API_FILE) ? readFileSync(API_FILE, "utf8") : "";
    expect(apiText(), "run npm run api").toBe(written);
  });
});
