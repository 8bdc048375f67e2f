import { describe, expect, it } from "vitest";
import { received } from "../middleware/received.fixture.ts";
import { redeliverAfter } from "./redeliver-after.ts";

describe("a wish for the time of redelivery", () => {
  it("is kept for all views of the message, the longest of several", () => {
    const message = received();
    expect(redeliverAfter(message.derive({}).derive({}), 20)).toBe(true);
    expect(message.redeliveryDelayMs).toBe(20);
    redeliverAfter(message, 50);
    redeliverAfter(message, 30);
    expect(message.redeliveryDelayMs).toBe(50);
  });

  it("is not kept where no router would hear of it", () => {
    for (const behind of ["adapter", "nobody"] as const) {
      const message = received({ behind });
      expect(redeliverAfter(message, 20)).toBe(false);
      expect(message.redeliveryDelayMs).toBeUndefined();
    }
  });
});
