import { describe, expect, it } from "vitest";
import { MillraceError } from "../errors/index.ts";
import { Message } from "../message/index.ts";
import { isUncounted } from "../message/uncounted.ts";
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

  it("does not call the handler when the ack does not hold, and says that the message comes again, uncounted", () => {
    for (const take of ["lose", "nack"] as const) {
      const { message } = new ReceivedFixture();
      if (take === "lose") message.lose(new MillraceError("lost", { code: "DELIVERY_LOST" }));
      else message.nack();
      let calls = 0;
      let error: unknown;
      try {
        instantAck()(() => void calls++)(message);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toMatchObject({ code: "HANDED_BACK" });
      expect([calls, isUncounted(error)]).toEqual([0, true]);
    }
  });

  it("calls the handler again for a message that it has acked: a retry outside", () => {
    const { message } = new ReceivedFixture();
    let calls = 0;
    const chain = instantAck()(() => void calls++);
    chain(message);
    chain(message);
    expect(calls).toBe(2);
  });

  it("fails without calling the handler when the ack of a foreign message throws", () => {
    const { message } = new ReceivedFixture({ behind: "nobody" });
    message.settleError = new Error("the channel is gone");
    let calls = 0;
    expect(() => instantAck()(() => void calls++)(message)).toThrow("the channel is gone");
    expect(calls).toBe(0);
  });
});
