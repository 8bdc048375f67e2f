import { describe, expect, it } from "vitest";
import { type Handler, isPromise, Message, type Produced, producedList } from "../message/index.ts";
import { duplicator } from "./duplicator.ts";
import { received } from "./received.fixture.ts";

const texts = (produced: Produced): string[] => producedList(produced).map((message) => message.text());

describe("duplicator", () => {
  it("calls the handler twice with the same message and gives both results in order", () => {
    const seen: unknown[] = [];
    const message = received();
    const result = duplicator()((given) => {
      seen.push(given);
      return seen.length === 1 ? new Message("1") : [new Message("2"), new Message("3")];
    })(message);
    expect(isPromise(result)).toBe(false);
    expect(texts(result as Produced)).toEqual(["1", "2", "3"]);
    expect(seen).toEqual([message, message]);
  });

  it("begins the second call when the first has ended", async () => {
    const order: string[] = [];
    const handle: Handler = async () => {
      order.push("in");
      await Promise.resolve();
      order.push("out");
      return new Message("x");
    };
    expect(texts(await duplicator()(handle)(received()))).toEqual(["x", "x"]);
    expect(order).toEqual(["in", "out", "in", "out"]);
  });

  it("gives nothing for a handler that gives nothing, and the results of one call as they are", () => {
    expect(duplicator()(() => undefined)(received())).toBeUndefined();
    let calls = 0;
    const only = new Message("1");
    expect(duplicator()(() => (++calls === 1 ? only : undefined))(received())).toBe(only);
    calls = 0;
    expect(duplicator()(() => (++calls === 2 ? only : undefined))(received())).toBe(only);
  });

  it("does not call again after a failure, and fails with the second call's", async () => {
    for (const failing of [1, 2]) {
      let calls = 0;
      const handle = duplicator()(async () => {
        if (++calls === failing) throw new Error(`call ${calls}`);
        return new Message("x");
      });
      await expect(handle(received())).rejects.toThrow(`call ${failing}`);
      expect(calls).toBe(failing);
    }
  });
});
