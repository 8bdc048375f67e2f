import { describe, expect, it } from "vitest";
import { MillraceError, PermanentError } from "../errors/index.ts";
import { Message, type StandardSchema } from "./index.ts";
import { metadata } from "./metadata.ts";

type Order = { readonly id: string; readonly total: number };

/** Passes what has a text `id` and a number `total`; names each field that is wrong. */
function order(isAsync = false): StandardSchema<Order> {
  const check = (value: unknown) => {
    const { id, total } = (value ?? {}) as Partial<Order>;
    const issues = [
      ...(typeof id === "string" ? [] : [{ message: "is no text", path: ["id"] }]),
      ...(typeof total === "number" ? [] : [{ message: "is no number", path: [{ key: "total" }] }]),
    ];
    return issues.length > 0 ? { issues } : { value: { id, total } as Order };
  };
  return { "~standard": { version: 1, vendor: "test", validate: (value) => (isAsync ? Promise.resolve(check(value)) : check(value)) } };
}

describe("a message", () => {
  it("has a UUID of version 7 of its own unless it is given an id, always the same one", () => {
    const [one, other] = [new Message("x"), new Message("x")];
    expect(one.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(one.id).toBe(one.id);
    expect(other.id).not.toBe(one.id);
    expect(one.id < other.id).toBe(true);
    expect(new Message("x", { id: "m-1" }).id).toBe("m-1");
  });

  it("shares its payload bytes, empty and binary ones too, and reads them as text", () => {
    const bytes = Uint8Array.of(0, 255, 1);
    expect(new Message(bytes).payload).toBe(bytes);
    expect(new Message(new Uint8Array()).text()).toBe("");
    expect(new Message("Größe ✓").text()).toBe("Größe ✓");
    expect(new Message("Größe").payload).toEqual(new TextEncoder().encode("Größe"));
  });

  it("is made of JSON, and refuses what JSON cannot express", () => {
    expect(Message.json({ a: [1, null, "ü"] }).text()).toBe('{"a":[1,null,"ü"]}');
    expect(Message.json(null).json()).toBeNull();
    for (const value of [undefined, () => {}, Symbol("s")]) expect(() => Message.json(value)).toThrow(TypeError);
  });

  it("is read through a schema, whose output comes back", async () => {
    const message = Message.json({ id: "o-1", total: 42, more: true });
    expect(message.json(order())).toEqual({ id: "o-1", total: 42 });
    await expect(message.jsonAsync(order(true))).resolves.toEqual({ id: "o-1", total: 42 });
    await expect(message.jsonAsync(order())).resolves.toEqual({ id: "o-1", total: 42 });
  });

  it("refuses with a PermanentError INVALID_PAYLOAD that names every field, sync and async, or what is no JSON", async () => {
    const message = Message.json({ id: 1 }, { id: "m-1" });
    const invalid = { code: "INVALID_PAYLOAD", retryable: false, message: expect.stringMatching(/id.*total/s) };
    expect(() => message.json(order())).toThrow(expect.objectContaining(invalid));
    expect(() => message.json(order())).toThrow(PermanentError);
    await expect(message.jsonAsync(order(true))).rejects.toMatchObject(invalid);
    for (const text of ["", "{", "undefined"]) {
      expect(() => new Message(text).json()).toThrow(expect.objectContaining({ code: "INVALID_PAYLOAD", cause: expect.any(SyntaxError) }));
    }
  });

  it("refuses a schema that validates asynchronously where it is asked at once", () => {
    expect(() => Message.json({ id: "o-1", total: 1 }).json(order(true))).toThrow(expect.objectContaining({ code: "ASYNC_SCHEMA" }));
  });

  it("is copied into a fresh one: id, key and metadata are kept unless changed, and not shared", () => {
    const first = new Message("x", { id: "m-1", key: "k", metadata: { a: "1" } });
    const same = first.copy();
    expect([same.id, same.key, [...same.metadata], same.payload === first.payload]).toEqual(["m-1", "k", [["a", "1"]], true]);
    same.metadata.set("a", "2");
    expect(first.metadata.get("a")).toBe("1");
    const changed = first.copy({ id: "m-2", key: undefined, metadata: { b: "2" } });
    expect([changed.id, changed.key, [...changed.metadata]]).toEqual(["m-2", undefined, [["b", "2"]]]);
    expect(first.copy({ id: undefined }).id).not.toBe("m-1");
  });
});

describe("metadata", () => {
  it("is made of an object, pairs, a map, or other metadata, and is never shared", () => {
    const given = metadata({ b: "1", a: "" });
    for (const init of [given, [...given], new Map(given), { b: "1", a: "" }]) {
      const made = metadata(init);
      expect([...made]).toEqual([
        ["b", "1"],
        ["a", ""],
      ]);
      made.set("b", "2");
      expect(given.get("b")).toBe("1");
    }
  });

  it("tells an empty value from none", () => {
    const made = metadata({ empty: "" });
    expect([made.has("empty"), made.get("empty"), made.has("none"), made.get("none"), made.size]).toEqual([true, "", false, undefined, 1]);
    expect([made.delete("empty"), made.delete("empty"), made.size, [...made]]).toEqual([true, false, 0, []]);
  });

  it("takes keys that objects have already, and texts only", () => {
    const made = metadata(JSON.parse('{"__proto__":"p","constructor":"c"}'));
    expect([made.get("__proto__"), made.get("constructor"), made.get("toString")]).toEqual(["p", "c", undefined]);
    for (const value of [1, null, undefined, {}]) expect(() => made.set("n", value as never)).toThrow(/"n" must be a string/);
  });
});

describe("an error", () => {
  it("is known across copies of the library, by its brand", () => {
    expect(MillraceError.is(new PermanentError("no", { code: "PERMANENT" }))).toBe(true);
    for (const value of [new Error("x"), undefined, null, "x", {}]) expect(MillraceError.is(value)).toBe(false);
  });
});
