import { describe, expect, it } from "vitest";
import { earlyVerdict } from "./early-verdict.ts";
import { received } from "./received.fixture.ts";

describe("the verdict so far", () => {
  it("is known at once, whoever stands behind the message, from any view of it", async () => {
    for (const behind of ["call", "adapter", "nobody"] as const) {
      const message = received({ behind });
      const view = message.derive({});
      expect(await earlyVerdict(view)).toBeUndefined();
      message.nack();
      expect(await earlyVerdict(view)).toBe("nacked");
    }
  });

  it("is known before a foreign message has told it, where a router has that in hand", async () => {
    const message = Object.defineProperty(received(), "settled", { value: new Promise(() => {}) });
    message.nack();
    expect(await earlyVerdict(message)).toBe("nacked");
  });
});
