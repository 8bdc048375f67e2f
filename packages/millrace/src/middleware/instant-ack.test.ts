import { describe, expect, it } from "vitest";
import { MillraceError } from "../errors/index.ts";
import { Message } from "../message/index.ts";
import { instantAck } from "./instant-ack.ts";
import { ReceivedFixture } from "./received.fixture.ts";

describe("instantAck", () => {
  it("acks before the handler runs, whose signal stays open", () => {
    const fixture = new ReceivedFixture();
    const out = new Message("out");
    const result = instantAck()((message) => {
      expect(fixture.verdicts).toEqual(["ack"]);
      expect(message.signal.aborted).toBe(false);
      return out;
    })(fixture.message);
    expect(result).toBe(out);
  });

  it("makes a later nack without effect, and passes the failure on", () => {
    const fixture = new ReceivedFixture();
    const failure = new Error("boom");
    const handle = instantAck()((message) => {
      expect(message.nack()).toBe(false);
      throw failure;
    });
    expect(() => handle(fixture.message)).toThrow(failure);
    expect(fixture.verdicts).toEqual(["ack"]);
  });

  it("does not call the handler when the delivery was lost", () => {
    const fixture = new ReceivedFixture();
    fixture.message.lose(new MillraceError("lost", { code: "DELIVERY_LOST" }));
    let calls = 0;
    expect(instantAck()(() => void calls++)(fixture.message)).toBeUndefined();
    expect(calls).toBe(0);
  });
});
