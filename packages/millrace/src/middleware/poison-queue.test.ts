import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DerivedMessage } from "../adapter/derived-message.ts";
import { isPermanent, MillraceError, OptionError, PermanentError } from "../errors/index.ts";
import { memoryCapabilities } from "../memory/capabilities.ts";
import { HANDLER_POISONED, REASON_POISONED, SUBSCRIBER_POISONED, TOPIC_POISONED } from "../message/dead-letter-keys.ts";
import { IN_HAND, type InHand } from "../message/in-hand.ts";
import { type Capabilities, Message, type ReceivedMessage } from "../message/index.ts";
import { keyText } from "../message/key-bytes.ts";
import { Rig } from "../router/rig.fixture.ts";
import { delayOnError } from "./delay-on-error.ts";
import { instantAck } from "./instant-ack.ts";
import { type PoisonQueueOptions, poisonQueue } from "./poison-queue.ts";
import { ReceivedFixture, RecordingPublisher, received } from "./received.fixture.ts";
import { timeout } from "./timeout.ts";

interface GoldenCase {
  readonly name: string;
  readonly input: { readonly handlerError: string; readonly metadata: Record<string, string> };
  readonly output: {
    readonly publishedByMiddleware: { readonly topic: string; readonly uuid: string; readonly payloadText: string; readonly metadata: object }[];
  };
}
const golden = JSON.parse(readFileSync(new URL("../../testdata/golden/middleware.json", import.meta.url), "utf8"));
const failure = new Error("boom");
const fails = () => {
  throw failure;
};

function setUp(options: Partial<PoisonQueueOptions> = {}) {
  const publisher = new RecordingPublisher();
  return { publisher, poison: poisonQueue({ publisher, topic: "poison", ...options }) };
}

/** A message of a router. */
function inHand(what: Partial<InHand>): ReceivedMessage {
  return Object.defineProperty(new DerivedMessage(received(), {}), IN_HAND, { value: what });
}

describe("poisonQueue", () => {
  it("uses Watermill's metadata keys", () => {
    expect([REASON_POISONED, TOPIC_POISONED, HANDLER_POISONED, SUBSCRIBER_POISONED]).toEqual(golden.constants.poison);
  });

  for (const { name, input, output } of golden.behaviour.filter((one: GoldenCase) => one.name.startsWith("poison queue")) as GoldenCase[]) {
    it(`publishes what Watermill does: ${name}`, async () => {
      const { publisher, poison } = setUp({ subscriberName: "main.oneShot" });
      const message = received({ id: "original", metadata: input.metadata, delivery: { topic: "my_topic", handler: "my_handler" } });
      const handle = poison(() => {
        if (input.handlerError !== "<nil>") throw new Error(input.handlerError);
      });
      await handle(message);
      expect(
        publisher.published.map(({ topic, message }) => ({
          topic,
          uuid: message.id,
          payloadText: message.text(),
          metadata: Object.fromEntries(message.metadata),
        })),
      ).toEqual(output.publishedByMiddleware.map(({ topic, uuid, payloadText, metadata }) => ({ topic, uuid, payloadText, metadata })));
      // Watermill writes to the message in hand; here it stays as it came.
      expect(Object.fromEntries(message.metadata)).toEqual(input.metadata);
    });
  }

  it("publishes a copy that keeps the key, and gives nothing of the handler", async () => {
    const { publisher, poison } = setUp();
    const bytes = Uint8Array.of(0xff, 0x00, 0xfe);
    const message = received({ key: keyText(bytes) });
    expect(await poison(fails)(message)).toBeUndefined();
    const [{ message: sent } = { message: undefined }] = publisher.published;
    expect(sent).not.toBe(message);
    expect(sent?.keyBytes).toEqual(bytes);
  });

  it("writes empty texts where nothing is known, and the text of a thrown value that is no error", async () => {
    const { publisher, poison } = setUp();
    const handle = poison(() => {
      throw "just text";
    });
    await handle(new ReceivedFixture({ delivery: { handler: undefined } }).message);
    expect(Object.fromEntries(publisher.published[0]?.message.metadata ?? [])).toEqual({
      reason_poisoned: "just text",
      topic_poisoned: "orders",
      handler_poisoned: "",
      subscriber_poisoned: "",
    });
  });

  it("cuts a reason that no broker would carry to 4,096 bytes, and no character in two", async () => {
    const { publisher, poison } = setUp();
    for (const [character, kept] of [
      ["x", 4_093],
      ["ö", 2_046],
      ["𝕏", 1_023],
    ] as const) {
      await poison(() => Promise.reject(new Error(character.repeat(100_000))))(received());
      const reason = publisher.published.at(-1)?.message.metadata.get(REASON_POISONED) ?? "";
      expect(reason).toBe(`${character.repeat(kept)}…`);
      expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(4_096);
    }
  });

  it("takes only the failures that the filter accepts", async () => {
    const { publisher, poison } = setUp({ filter: (error, message) => error === failure && message.id === "m-1" });
    await poison(fails)(received());
    expect(() => poison(fails)(received({ id: "m-2" }))).toThrow(failure);
    expect(publisher.published).toHaveLength(1);
  });

  it("poisons nothing when the filter throws: the handler's error is the cause, the filter's stands beside it, and the text tells both", () => {
    const broken = new TypeError("no such field");
    const { publisher, poison } = setUp({
      filter: () => {
        throw broken;
      },
    });
    const text = "the filter of poisonQueue threw: no such field; the failure that it was asked about: boom";
    expect(() => poison(fails)(received())).toThrow(expect.objectContaining({ code: "HOOK_FAILED", message: text, cause: failure, hookError: broken }));
    expect(publisher.calls).toBe(0);
  });

  it("refuses a filter that answers with a promise, which would be taken for true", async () => {
    for (const answer of [async () => false, () => Promise.reject(new Error("unheard"))]) {
      const { publisher, poison } = setUp({ filter: answer as never });
      expect(() => poison(fails)(received())).toThrow(
        expect.objectContaining({ code: "HOOK_FAILED", message: expect.stringContaining("true or false at once") }),
      );
      await new Promise((resolve) => setTimeout(resolve, 0));
      expect(publisher.calls).toBe(0);
    }
  });

  it("leaves the handler's error to the failure policy when the filter throws: what is permanent is not tried again", async () => {
    const letters = new RecordingPublisher();
    await using rig = new Rig({ failure: { attempts: 5, minDelayMs: 0, maxDelayMs: 1, deadLetter: { publisher: letters, topic: "dead" } } });
    const { publisher, poison } = setUp({
      filter: () => {
        throw new TypeError("filter");
      },
    });
    const attempts: string[] = [];
    rig.router.addConsumerHandler({
      name: "a",
      subscribe: "t",
      middleware: [poison],
      handle: (message) => {
        attempts.push(`${message.text()}${message.delivery.attempt}`);
        throw message.text() === "x" ? new PermanentError("broken for good") : failure;
      },
    });
    await rig.router.start();
    await rig.send("t", "x", "y");
    await rig.router.idle();
    expect(attempts).toEqual(["x1", "y1", "y2", "y3", "y4", "y5"]);
    expect(letters.published.map(({ message }) => message.text())).toEqual(["x", "y"]);
    expect(publisher.calls).toBe(0);
  });

  it("fails with both errors, and no permanent one, when the publish fails", async () => {
    const { publisher, poison } = setUp();
    const permanent = new PermanentError("broken for good");
    publisher.error = new MillraceError("no room", { code: "BUFFER_FULL" });
    const error = await Promise.resolve(poison(() => Promise.reject(permanent))(received())).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "POISON_PUBLISH_FAILED", retryable: true, cause: { errors: [permanent, publisher.error] } });
    expect(isPermanent(error)).toBe(false); // else the router would give the message up without a poison message
  });

  it("publishes also when the message's own signal has aborted", async () => {
    const { publisher, poison } = setUp();
    const message = received();
    message.end();
    await poison(fails)(message);
    expect(publisher.published).toHaveLength(1);
  });

  it("publishes after a timeout inside", async () => {
    const { publisher, poison } = setUp();
    await poison(timeout(1)(() => new Promise(() => {})))(received());
    expect(publisher.published[0]?.message.metadata.get(REASON_POISONED)).toContain("not handled within 1 ms");
  });

  it("lets an interruption pass: a lost or drained message is no poison", async () => {
    const { publisher, poison } = setUp();
    const lost = new MillraceError("lost", { code: "DELIVERY_LOST" });
    for (const error of [lost, new Error("fetch failed", { cause: lost })]) {
      const message = received();
      message.end(lost);
      await expect((async () => poison(() => Promise.reject(error))(message))()).rejects.toBe(error);
    }
    expect(publisher.calls).toBe(0);
  });

  it("leaves a message alone that was nacked inside", async () => {
    const { publisher, poison } = setUp();
    const handle = poison((message) => {
      message.nack();
      throw failure;
    });
    await expect(handle(received())).rejects.toBe(failure);
    expect(publisher.calls).toBe(0);
  });

  it("leaves a message alone that was lost inside, whatever the handler then fails with, and one that was nacked and returned", async () => {
    const { publisher, poison } = setUp();
    const message = received();
    const handle = poison(async () => {
      message.lose(new MillraceError("lost", { code: "DELIVERY_LOST" }));
      throw failure;
    });
    await expect(handle(message)).rejects.toBe(failure);
    await poison((message) => void message.nack())(received());
    expect(publisher.calls).toBe(0);
  });

  it("leaves a message alone whose nack came too late to count", async () => {
    const { publisher, poison } = setUp();
    const message = inHand({ nacked: true });
    await expect(poison(() => Promise.reject(failure))(message)).rejects.toBe(failure);
    expect(publisher.calls).toBe(0);
  });

  it("publishes a message that was acked early, for it would be gone", async () => {
    const { publisher, poison } = setUp();
    const handle = poison(instantAck()(() => Promise.reject(failure)));
    expect(await handle(received())).toBeUndefined();
    expect(publisher.published).toHaveLength(1);
  });

  it("publishes what failed for good", async () => {
    const { publisher, poison } = setUp();
    await poison(() => Promise.reject(new PermanentError("broken")))(received());
    expect(publisher.published[0]?.message.metadata.get(REASON_POISONED)).toBe("broken");
  });

  it("names the handler's subscriber as every dead letter does, unless it is told another name", async () => {
    const { publisher, poison } = setUp();
    const message = inHand({ nacked: false, taker: { handler: "charge", publishTopic: undefined, subscriber: "KafkaPubSub" } });
    await poison(fails)(message);
    await setUp({ publisher, subscriberName: "main.oneShot" }).poison(fails)(message);
    expect(publisher.published.map(({ message: { metadata } }) => metadata.get(SUBSCRIBER_POISONED))).toEqual(["KafkaPubSub", "main.oneShot"]);
  });

  it("carries the delay that delayOnError wrote inside, where the publisher can hold the message back so long", async () => {
    const delayed = async (capabilities: Capabilities | undefined): Promise<string | undefined> => {
      const publisher = Object.assign(new RecordingPublisher(), { capabilities });
      await setUp({ publisher }).poison(delayOnError({ minDelayMs: 2_000, nack: false })(fails))(received());
      return publisher.published[0]?.message.metadata.get("_watermill_delayed_for");
    };
    expect(await delayed({ ...memoryCapabilities, maxPublishDelayMs: Infinity })).toBe("2s");
    expect(await delayed({ ...memoryCapabilities, maxPublishDelayMs: 1_000 })).toBeUndefined();
    expect(await delayed({ ...memoryCapabilities, maxPublishDelayMs: 0 })).toBeUndefined();
    expect(await delayed(undefined)).toBeUndefined();
  });

  it("passes results through without a promise, and never closes the publisher", () => {
    const { publisher, poison } = setUp();
    const out = new Message("out");
    expect(poison(() => out)(received())).toBe(out);
    expect([publisher.calls, publisher.closed]).toEqual([0, 0]);
  });

  it("refuses bad options, all at once", () => {
    expect(() => poisonQueue({} as never)).toThrow(/publisher is missing.*topic is missing/);
    expect(() => poisonQueue({ publisher: {} as never, topic: "", filter: 1 as never, subscriberName: 1 as never })).toThrow(OptionError);
  });
});
