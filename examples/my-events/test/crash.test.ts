import { describe, it } from "vitest";
import { crashRun } from "./crash-run.ts";

describe("MyEvents under SIGKILL", () => {
  it("books 400 seats once each for 1,000 requests, and both services equal their rebuild", { timeout: 240_000 }, async () => {
    await crashRun({ brokerUrl: process.env.CRASH_TEST_BROKER_URL });
  });
});
