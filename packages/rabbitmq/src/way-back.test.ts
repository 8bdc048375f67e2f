import type { ConsumeMessage } from "amqplib";
import { PublishError } from "millrace";
import { expect, it, vi } from "vitest";
import type { Outbound } from "./outbound.ts";
import { WayBack } from "./way-back.ts";

const raw = { content: Buffer.from("x"), fields: { exchange: "", routingKey: "q" }, properties: { headers: {} } } as unknown as ConsumeMessage;

function refusing(times: number, code: string): { readonly wayBack: WayBack; pushes: number } {
  const seen = {
    pushes: 0,
    wayBack: undefined as unknown as WayBack,
  };
  const push = async (): Promise<void> => {
    seen.pushes++;
    if (seen.pushes <= times) throw new PublishError("refused", { code, retryable: true, outcomes: ["rejected"] });
  };
  seen.wayBack = new WayBack({ queue: { push }, idOf: () => "id" } as unknown as Outbound);
  return seen;
}

it("tries again by itself what the broker refused, since it surely has not taken it", async () => {
  const seen = refusing(2, "PUBLISH_REFUSED");
  await seen.wayBack.send(raw, { queue: "q", temporary: false }, 2, 1_000);
  expect(seen.pushes).toBe(3);
});

it("leaves everything else, and what is refused for ever, to whoever has the message in hand", async () => {
  const lost = refusing(1, "CONNECTION_LOST");
  await expect(lost.wayBack.send(raw, { queue: "q", temporary: false }, 2, 1_000)).rejects.toMatchObject({ code: "CONNECTION_LOST" });
  expect(lost.pushes).toBe(1);
  vi.useFakeTimers();
  try {
    const refused = refusing(100, "PUBLISH_REFUSED");
    let told: unknown;
    refused.wayBack.send(raw, { queue: "q", temporary: false }, 2, 60_000).catch((error: unknown) => {
      told = error;
    });
    await vi.advanceTimersByTimeAsync(2_900);
    expect(told).toBeUndefined();
    await vi.advanceTimersByTimeAsync(200);
    expect(told).toMatchObject({ code: "PUBLISH_REFUSED" });
    expect(refused.pushes).toBeGreaterThan(5);
  } finally {
    vi.useRealTimers();
  }
});
