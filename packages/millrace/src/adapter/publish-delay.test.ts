import { describe, expect, it } from "vitest";
import { PublishError } from "../errors/index.ts";
import { Message } from "../message/index.ts";
import { dueMsOf, publishWithinDelay } from "./publish-delay.ts";

const HOUR = 3_600_000;
const now = new Message("now");
const later = new Message("later", { delayMs: HOUR });

/** What was sent, and what the call came to. */
async function call(messages: readonly Message[], longestMs: number, failure?: PublishError): Promise<{ readonly sent: string[][]; readonly error: unknown }> {
  const sent: string[][] = [];
  const send = async (list: readonly Message[]): Promise<void> => {
    sent.push(list.map((message) => message.text()));
    if (failure !== undefined) throw failure;
  };
  const error = await publishWithinDelay("Publisher", messages, longestMs, send).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { sent, error };
}

describe("publishing within a limit of delay", () => {
  it("passes everything on in one call that is due, or due within the limit", async () => {
    expect(await call([now, new Message("due", { delayMs: 0 })], 0)).toEqual({ sent: [["now", "due"]], error: undefined });
    expect(await call([later, now], 2 * HOUR)).toEqual({ sent: [["later", "now"]], error: undefined });
    expect(await call([later], Number.POSITIVE_INFINITY)).toEqual({ sent: [["later"]], error: undefined });
    expect(await call([], 0)).toEqual({ sent: [[]], error: undefined });
  });

  it("refuses the first message beyond it by itself: what is before it is sent, what is behind it is not", async () => {
    const { sent, error } = await call([now, now, later, now, later], 1_000);
    expect(sent).toEqual([["now", "now"]]);
    expect(error).toBeInstanceOf(PublishError);
    expect(error).toMatchObject({ code: "DELAY_UNSUPPORTED", retryable: false, outcomes: ["confirmed", "confirmed", "rejected", "rejected", "rejected"] });
    expect((error as Error).message).toContain(later.id);
    expect((error as Error).message).toContain(later.dueAt?.toISOString());
    expect((error as Error).message).toContain("more than 1000 ms");
  });

  it("sends nothing where the first message is the one that it refuses", async () => {
    const { sent, error } = await call([later, now], 0);
    expect(sent).toEqual([]);
    expect(error).toMatchObject({ code: "DELAY_UNSUPPORTED", outcomes: ["rejected", "rejected"] });
  });

  it("tells the failure of what was before it, by the positions of the whole call", async () => {
    const failure = new PublishError("full", { code: "BUFFER_FULL", retryable: true, outcomes: ["confirmed", "unknown"] });
    const { error } = await call([now, now, later], 0, failure);
    expect(error).toMatchObject({ code: "BUFFER_FULL", retryable: true, message: "full", outcomes: ["confirmed", "unknown", "rejected"] });
  });

  it("refuses a time that cannot be read, instead of taking it for none", async () => {
    const unreadable = new Message("x", { metadata: { _watermill_delayed_until: "tomorrow" } });
    expect((await call([now, unreadable], Number.POSITIVE_INFINITY)).error).toMatchObject({ code: "INVALID_DELAY", outcomes: ["confirmed", "rejected"] });
  });

  it("reads times as Go writes them, and no other text as a time", () => {
    const due = (text: string): number | undefined => dueMsOf(new Message("x", { metadata: { _watermill_delayed_until: text } }));
    expect(due("2099-01-01T00:00:00Z")).toBe(Date.UTC(2099, 0, 1));
    expect(due("2099-01-01T00:00:00.25+02:00")).toBe(Date.UTC(2098, 11, 31, 22) + 250);
    expect(due("2001-01-01T00:00:00Z")).toBeUndefined();
    expect(dueMsOf(now)).toBeUndefined();
    for (const text of ["", "5", "2099", "2099-01-01", "2099-01-01T00:00:00", "2099-13-01T00:00:00Z"]) {
      expect(() => due(text), text).toThrow(expect.objectContaining({ code: "INVALID_DELAY" }));
    }
  });
});
