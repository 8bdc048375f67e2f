import { describe, expect, it } from "vitest";
import { DerivedMessage } from "../adapter/derived-message.ts";
import { silentLogger } from "../logger/index.ts";
import { isHandedBack } from "../message/handed-back.ts";
import { IN_HAND } from "../message/in-hand.ts";
import type { Batch, ReceivedMessage, Verdict } from "../message/index.ts";
import { received } from "../middleware/received.fixture.ts";
import { Passage } from "./passage.ts";
import { refusal } from "./rig.fixture.ts";
import { Target } from "./target.fixture.ts";
import { Troubles } from "./troubles.ts";

interface Hand {
  readonly message: ReceivedMessage;
  verdict: Verdict | undefined;
}

/** A message whose verdict can be given behind everybody's back. */
function inHand(text: string): Hand {
  const message = new DerivedMessage(received({ id: text, payload: text, key: text.slice(0, 1) }), {});
  const hand: Hand = { message, verdict: undefined };
  Object.defineProperty(message, IN_HAND, { value: hand });
  return hand;
}

function passage() {
  const target = new Target();
  const failed = new Map<string, unknown>();
  const batch: Batch = { fail: (message, error) => void failed.set(message.text(), error) };
  const troubles = new Troubles({ handler: "relay", attempts: Infinity, buries: false, visibleAfter: 10, logger: silentLogger });
  const keyOf = (message: ReceivedMessage): string | undefined => message.key;
  const passage = new Passage({ publisher: target, open: (message) => ({ topic: "out", message }), keyOf, troubles }, batch);
  return { target, failed, passage };
}

describe("a passage", () => {
  it("does not send what was lost or given back before its turn, nor what is behind it, and never lets it pass for relayed", async () => {
    const { target, failed, passage: relayed } = passage();
    const [a1, a2, b1, c1, c2] = [inHand("a1"), inHand("a2"), inHand("b1"), inHand("c1"), inHand("c2")];
    target.before = (_topic, messages, call) => {
      if (call > 1) return;
      // While the whole run is refused, one delivery is lost, and one is given back at a drain's deadline.
      a1.verdict = "lost";
      c1.verdict = "nacked";
      throw refusal(messages);
    };
    await relayed.take([a1, a2, b1, c1, c2].map(({ message }) => message));
    expect(target.texts).toEqual(["b1"]);
    expect([...failed.keys()]).toEqual(["a1", "a2", "c1", "c2"]);
    expect([...failed.values()].every(isHandedBack)).toBe(true);
  });

  it("sends what was acked early", async () => {
    const { target, failed, passage: relayed } = passage();
    const a1 = inHand("a1");
    a1.verdict = "acked";
    await relayed.take([a1.message]);
    expect(target.texts).toEqual(["a1"]);
    expect(failed.size).toBe(0);
  });

  it("sends what is before a message that cannot be opened before it fails that one", async () => {
    const { target, failed } = passage();
    const open = (message: ReceivedMessage) => {
      if (message.text() === "a2") throw new Error(`no envelope, and ${target.texts} are sent`);
      return { topic: "out", message };
    };
    const troubles = new Troubles({ handler: "relay", attempts: Infinity, buries: false, visibleAfter: 10, logger: silentLogger });
    const batch: Batch = { fail: (message, error) => void failed.set(`${message.text()} after ${target.texts}`, error) };
    await new Passage({ publisher: target, open, keyOf: ({ key }) => key, troubles }, batch).take(["a1", "a2", "a3"].map((text) => inHand(text).message));
    expect(target.texts).toEqual(["a1"]);
    expect([...failed.keys()]).toEqual(["a2 after a1", "a3 after a1"]);
    expect(isHandedBack(failed.get("a3 after a1"))).toBe(true);
  });
});
