import { describe, expect, it } from "vitest";
import { MillraceError } from "../errors/index.ts";
import { Message, type ReceivedMessage } from "../message/index.ts";
import { plain, withMessages } from "../message/stripped.fixture.ts";
import { isUncounted } from "../message/uncounted.ts";
import { Rig, until } from "../router/rig.fixture.ts";
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

  it("fails without calling the handler when the ack of a foreign message throws: uncounted, with the cause", () => {
    const { message } = new ReceivedFixture({ behind: "nobody" });
    message.settleError = new Error("the channel is gone");
    let calls = 0;
    const failure = { code: "HANDED_BACK", message: expect.stringContaining("the channel is gone"), cause: message.settleError };
    expect(() => instantAck()(() => void calls++)(message)).toThrow(expect.objectContaining(failure));
    expect(calls).toBe(0);
  });

  for (const who of ["the middleware", "the handler"] as const) {
    it(`counts no attempt when the ack throws, asked for by ${who}: the subscription is broken, and is taken up again`, async () => {
      await using rig = new Rig({ failure: { attempts: 1 } });
      let left = 2;
      const breaks = (message: ReceivedMessage): ReceivedMessage => {
        const ack = (): boolean => {
          if (left-- > 0) throw new Error("the channel is gone");
          return message.ack();
        };
        return Object.defineProperty(plain(message), "ack", { value: ack });
      };
      const attempts: number[] = [];
      rig.router.addConsumerHandler({
        name: "a",
        subscribe: { subscriber: withMessages(rig.bus, breaks), topic: "t" },
        middleware: who === "the middleware" ? [instantAck()] : [],
        handle: (message) => {
          message.ack();
          attempts.push(message.delivery.attempt);
        },
      });
      await rig.bus.provision("t", { group: "a" });
      await rig.router.start();
      await rig.send("t", "x");
      await until(() => attempts.length === 1, "the call");
      await rig.router.idle();
      expect(attempts).toEqual([1]);
      expect(rig.router.health().handlers.a).toMatchObject({ state: "running", counts: { handled: 1, failed: 0, reconnected: 2 } });
      expect(rig.logger.saying("it is taken up again")).toHaveLength(2);
    });
  }
});
