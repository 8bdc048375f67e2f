import { describe, expect, it } from "vitest";
import { Message } from "../message/index.ts";
import { received } from "./received.ts";

describe("received", () => {
  it("stands for a delivery with everything a handler may ask for", () => {
    const message = received({
      json: { id: "o-1" },
      key: "o-1",
      metadata: { tenant: "acme" },
      topic: "order.placed",
      attempt: 3,
      group: "billing",
      position: "7",
    });
    expect(message.json()).toEqual({ id: "o-1" });
    expect(message.key).toBe("o-1");
    expect(message.metadata.get("tenant")).toBe("acme");
    expect(message.delivery).toMatchObject({ topic: "order.placed", attempt: 3, group: "billing", position: "7" });
    expect(message.verdict).toBeUndefined();
  });

  it("takes text, bytes or a message, whose id it keeps", () => {
    expect(received("plain").text()).toBe("plain");
    expect([...received(new Uint8Array([1, 2])).payload]).toEqual([1, 2]);
    const sent = new Message("m", { metadata: { a: "1" } });
    const message = received(sent);
    expect(message.id).toBe(sent.id);
    message.metadata.set("a", "2");
    expect(sent.metadata.get("a")).toBe("1");
  });

  it("keeps key bytes and due time, or a delay", () => {
    const key = Uint8Array.of(0xff, 0);
    const deliverAt = new Date("2100-01-02T03:04:05.678Z");
    for (const message of [received({ key, deliverAt }), received(new Message("x", { key, deliverAt }))]) {
      expect([message.keyBytes, message.dueAt]).toEqual([key, deliverAt]);
    }
    const before = Date.now();
    const dueMs = received({ json: {}, delayMs: 5000 }).dueAt?.getTime();
    expect(dueMs).toBeGreaterThanOrEqual(before + 5000);
    expect(dueMs).toBeLessThanOrEqual(Date.now() + 5000);
  });

  it("keeps the first verdict and shows it", async () => {
    const message = received("m");
    const { settled, signal } = message;
    expect(message.ack()).toBe(true);
    expect(message.ack()).toBe(true);
    expect(message.nack()).toBe(false);
    expect(message.verdict).toBe("acked");
    expect(signal.aborted).toBe(true);
    await expect(settled).resolves.toBe("acked");
  });

  it("shows the options of a nack", () => {
    const message = received("m");
    expect(message.nackedWith).toBeUndefined();
    expect(message.derive({ metadata: { more: "1" } }).nack({ delayMs: 500, reason: "later" })).toBe(true);
    expect(message.verdict).toBe("nacked");
    expect(message.nackedWith).toEqual({ delayMs: 500, reason: "later" });
  });

  it("shows of a nack that it was uncounted", () => {
    const message = received("m");
    expect(message.derive({ metadata: { more: "1" } }).nack({ uncounted: true })).toBe(true);
    expect(message.nackedWith).toEqual({ uncounted: true });
  });

  it("refuses verdicts once it is lost", async () => {
    const message = received("m");
    const { signal } = message;
    expect(message.lose(new Error("partition revoked"))).toBe(true);
    expect(signal.aborted).toBe(true);
    expect(message.ack()).toBe(false);
    await expect(message.settled).resolves.toBe("lost");
  });
});
