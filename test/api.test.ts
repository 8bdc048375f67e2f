import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { API_FILE, apiText } from "../scripts/api.ts";

describe("docs/api.txt", () => {
  const text = apiText();

  it("shows every export as it is; if it does not, run npm run api", () => {
    const written = existsSync(API_FILE) ? readFileSync(API_FILE, "utf8") : "";
    expect(text, "run npm run api").toBe(written);
  });

  it("shows the members of a type that an export speaks of, also where no subpath exports it by that name", () => {
    const router = /^type Router = RouterContract;\ninterface Router [^\n]*\{\n(.*?)^\}/ms.exec(text)?.[1];
    expect(router).toContain("    addHandler(options: ProducingHandlerOptions): HandlerHandle;\n");
    expect(router).toContain("    close(options?: DrainOptions): Promise<void>;\n");
  });
});
