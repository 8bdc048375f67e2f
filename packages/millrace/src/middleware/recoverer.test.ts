import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { MillraceError } from "../errors/index.ts";
import { isPromise, Message } from "../message/index.ts";
import { randomPanic } from "./random-panic.ts";
import { received } from "./received.fixture.ts";
import { recoverer } from "./recoverer.ts";

async function outcome(thrown: unknown, sync: boolean): Promise<unknown> {
  const handle = recoverer()(
    sync
      ? () => {
          throw thrown;
        }
      : () => Promise.reject(thrown),
  );
  try {
    await handle(received());
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("recoverer", () => {
  for (const sync of [true, false]) {
    const way = sync ? "thrown" : "rejected with";
    it(`makes an error of what is ${way} and is none`, async () => {
      for (const thrown of ["text", 42, null, { odd: true }, ["a"], Symbol("s"), () => 1]) {
        const error = await outcome(thrown, sync);
        expect(MillraceError.is(error)).toBe(true);
        expect(error).toMatchObject({ code: "HANDLER_PANIC", cause: thrown });
        expect((error as Error).stack).toContain("recoverer");
      }
      expect(await outcome(undefined, sync)).toMatchObject({ code: "HANDLER_PANIC", message: "the handler threw undefined, which is not an error" });
    });

    it(`leaves an error alone that is ${way}, also one of another realm`, async () => {
      for (const error of [new Error("boom"), new DOMException("gone", "AbortError"), runInNewContext("new TypeError('far')")]) {
        expect(await outcome(error, sync)).toBe(error);
      }
    });
  }

  it("shows at most 64 characters of a thrown text", async () => {
    const error = (await outcome("x".repeat(1_000), true)) as Error;
    expect(error.message.length).toBeLessThan(130);
  });

  it("recovers a random panic", () => {
    const handle = recoverer()(randomPanic(1)(() => undefined));
    expect(() => handle(received())).toThrow(expect.objectContaining({ code: "HANDLER_PANIC", cause: "a random panic" }));
  });

  it("keeps a synchronous success free of promises", () => {
    expect(isPromise(recoverer()(() => new Message("1"))(received()))).toBe(false);
  });
});
