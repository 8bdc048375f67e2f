import { describe, expect, it, vi } from "vitest";
import { MillraceError, OptionError } from "../errors/index.ts";
import { type ErrorMatch, ignoreErrors } from "./ignore-errors.ts";
import { received } from "./received.fixture.ts";

class OutOfStock extends Error {}
class Plain {}
const one = new Error("one");

function ignores(error: unknown, ...matches: ErrorMatch[]): boolean {
  const handle = ignoreErrors(...matches)(() => {
    throw error;
  });
  try {
    expect(handle(received())).toBeUndefined();
    return true;
  } catch (thrown) {
    expect(thrown).toBe(error);
    return false;
  }
}

describe("ignoreErrors", () => {
  it("matches by class, error or not, and its subclasses", () => {
    expect(ignores(new OutOfStock("x"), OutOfStock)).toBe(true);
    expect(ignores(new OutOfStock("x"), Error)).toBe(true);
    expect(ignores(new Plain(), Plain)).toBe(true);
    expect(ignores(new Error("x"), OutOfStock, Plain, RangeError)).toBe(false);
  });

  it("matches by code, of Millrace and of the platform", () => {
    expect(ignores(new MillraceError("x", { code: "SOLD_OUT" }), "SOLD_OUT")).toBe(true);
    expect(ignores(Object.assign(new Error("x"), { code: "ENOENT" }), "EPERM", "ENOENT")).toBe(true);
    expect(ignores(new MillraceError("x", { code: "SOLD_OUT" }), "SOLD")).toBe(false);
  });

  it("matches the very error, and by predicate", () => {
    expect(ignores(one, one)).toBe(true);
    expect(ignores(new Error("stale"), (error) => error instanceof Error && error.message.startsWith("st"))).toBe(true);
    expect(ignores("text", (error) => error === "text")).toBe(true);
  });

  it("never matches by text", () => {
    expect(ignores(new Error("one"), one)).toBe(false);
    expect(ignores(new Error("SOLD_OUT"), "SOLD_OUT")).toBe(false);
    expect(ignores("SOLD_OUT", "SOLD_OUT")).toBe(false);
  });

  it("looks through the chain of causes, also one that bites its tail", () => {
    expect(ignores(new Error("a", { cause: new Error("b", { cause: new OutOfStock("c") }) }), OutOfStock)).toBe(true);
    const loop = new Error("a");
    loop.cause = new Error("b", { cause: loop });
    expect(ignores(loop, OutOfStock)).toBe(false);
  });

  it("does not ignore an aggregate for one of its members", () => {
    expect(ignores(new AggregateError([new OutOfStock("x"), new Error("y")]), OutOfStock)).toBe(false);
    expect(ignores(new AggregateError([]), AggregateError)).toBe(true);
  });

  it("bears thrown values that are no errors", () => {
    for (const thrown of [undefined, null, 0, "text"]) expect(ignores(thrown, OutOfStock, "CODE", one)).toBe(false);
  });

  it("works for rejections", async () => {
    await expect(ignoreErrors(OutOfStock)(() => Promise.reject(new OutOfStock("x")))(received())).resolves.toBeUndefined();
    await expect(ignoreErrors(OutOfStock)(() => Promise.reject(one))(received())).rejects.toBe(one);
  });

  it("refuses nothing to match, and matches of other kinds", () => {
    expect(() => ignoreErrors()).toThrow(OptionError);
    expect(() => ignoreErrors(Error, /boom/ as never, null as never, "")).toThrow(/match 1.*match 2.*match 3/);
  });

  it("takes a predicate that throws for one that does not match: the handler's own error goes on, and the others are asked", () => {
    const line = vi.spyOn(console, "error").mockImplementation(() => {});
    const throws = (): never => {
      throw new TypeError("predicate");
    };
    expect(ignores(one, throws)).toBe(false);
    expect(line).toHaveBeenCalledWith(expect.stringContaining("a predicate of ignoreErrors threw"));
    expect(ignores(one, throws, one)).toBe(true);
    line.mockRestore();
  });
});
