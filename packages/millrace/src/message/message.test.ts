import { describe, expect, it } from "vitest";
import { MillraceError, type OptionError, PermanentError } from "../errors/index.ts";
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

describe("a message's key", () => {
  it("is text and bytes at once, and no bytes are lost", () => {
    const binary = Uint8Array.of(0xff, 0, 0x80);
    expect(new Message("x", { key: binary }).keyBytes).toEqual(binary);
    expect(new Message("x", { key: Buffer.from("größe") }).key).toBe("größe");
    expect(new Message("x", { key: "größe" }).keyBytes).toEqual(new TextEncoder().encode("größe"));
    expect([new Message("x").key, new Message("x").keyBytes]).toEqual([undefined, undefined]);
    expect([new Message("x", { key: "" }).key, new Message("x", { key: new Uint8Array() }).keyBytes]).toEqual(["", new Uint8Array()]);
  });

  it("is a snapshot of the bytes it was given", () => {
    const bytes = Uint8Array.of(1, 2);
    const message = new Message("x", { key: bytes });
    bytes[0] = 9;
    expect(message.keyBytes).toEqual(Uint8Array.of(1, 2));
  });

  it("goes on as the text of another message's key, binary too", () => {
    const binary = new Message("x", { key: Uint8Array.of(0xc3, 0x28, 0xff) });
    expect(new Message("y", { key: binary.key }).keyBytes).toEqual(Uint8Array.of(0xc3, 0x28, 0xff));
  });
});

describe("a copy", () => {
  const binary = Uint8Array.of(0xff, 0xfe, 0);
  const deliverAt = new Date("2100-01-02T03:04:05.678Z");

  it("keeps key bytes, due time and topic, once and again", () => {
    const copy = new Message("x", { key: binary, deliverAt, topic: "orders" }).copy().copy();
    expect([copy.keyBytes, copy.dueAt, copy.topic]).toEqual([binary, deliverAt, "orders"]);
  });

  it("takes another key, due time and topic", () => {
    const copy = new Message("x", { key: binary, deliverAt, topic: "orders" }).copy({ key: "k", deliverAt: new Date(0), topic: undefined });
    expect([copy.key, copy.dueAt, copy.topic]).toEqual(["k", new Date(0), undefined]);
  });

  it("with new metadata is due when those say so", () => {
    const delayed = new Message("x", { deliverAt, metadata: { a: "1" } });
    expect(delayed.copy({ metadata: { b: "2" } }).dueAt).toBeUndefined();
    expect(delayed.copy({ metadata: metadata(delayed.metadata).set("b", "2") }).dueAt).toEqual(deliverAt);
  });

  it("refuses changes that are no object, and those of a wrong type", () => {
    for (const changes of [3, "x", null]) expect(() => new Message("x").copy(changes as never)).toThrow(expect.objectContaining({ code: "BAD_OPTION" }));
    expect(() => new Message("x").copy({ key: 5 as never })).toThrow(/key must be a text/);
  });
});

describe("what a message cannot be made of", () => {
  function problemsOf(make: () => unknown): readonly string[] {
    try {
      make();
    } catch (error) {
      expect(error).toMatchObject({ name: "OptionError", code: "BAD_OPTION" });
      return (error as OptionError).problems;
    }
    return [];
  }
  const problems = (payload: unknown, options?: unknown): readonly string[] => problemsOf(() => new Message(payload as string, options as undefined));

  it("is refused as a payload, with the way to a message of any value", () => {
    const text = (shown: string) => `payload must be a text or a Uint8Array, got ${shown}: Message.json(value) makes a message of any value that JSON can hold`;
    expect(problems({})).toEqual([text("an object")]);
    expect(problems(undefined)).toEqual([text("undefined")]);
    for (const payload of [null, 5, [1], new ArrayBuffer(1), new Uint16Array(1), () => {}]) expect(problems(payload)).toHaveLength(1);
  });

  it("is refused as an option, by its name and what it must be", () => {
    expect(problems("x", { key: 5 })).toEqual(["key must be a text or a Uint8Array, got 5: String(key) makes one of a number"]);
    expect(problems("x", { id: 7 })).toEqual(["id must be a text, got 7: String(id) makes one of a number"]);
    expect(problems("x", { topic: {} })).toEqual(["topic must be a text, got an object"]);
    expect(problems("x", { metadata: 3 })).toEqual(["metadata must be an object of texts, a Map or pairs, got 3"]);
    const lone = "a\ud800";
    expect(problems("x", { id: lone })).toEqual(["id must be whole characters, and has a lone surrogate: two such ids would be one on the wire"]);
    expect(problems("x", { metadata: { [lone]: "v" } }).join()).toMatch(/metadata "a\\ud800" must be whole characters/);
    expect(problems("x", { metadata: { k: lone } }).join()).toMatch(/metadata "k" must be whole characters/);
    expect(() => new Message("x").metadata.set("k", lone)).toThrow(/metadata "k" must be whole characters/);
    expect(() => new Message("x").copy({ id: lone })).toThrow(/id must be whole characters/);
    expect(problems("x", { metadata: { a: 5 } })).toEqual(['metadata must hold texts only: metadata "a" must be a string, got number']);
    expect(problems("x", { delayMs: -1 })).toEqual(["delayMs must be a duration in milliseconds of at most 100 years, got -1"]);
    for (const deliverAt of [new Date(8.64e15), new Date(-8.64e15), new Date(Number.NaN), "2031-05-01"]) {
      expect(problems("x", { deliverAt })[0]).toContain("deliverAt must be a valid Date of the years 0 to 9999, got ");
    }
    expect(problems("x", { delayMs: "5" })).toEqual(['delayMs must be a duration in milliseconds of at most 100 years, got "5"']);
    expect(problems("x", { deliverAt: "soon" })).toEqual(["deliverAt must be a valid Date of the years 0 to 9999, got soon"]);
    for (const deliverAt of [new Date("0000-01-01T00:00:00.000Z"), new Date("9999-12-31T23:59:59.999Z")]) {
      expect(new Message("x", { deliverAt }).dueAt).toEqual(deliverAt);
    }
    for (const key of [null, {}, [], new ArrayBuffer(1), new Uint16Array(2)]) expect(problems("x", { key })).toHaveLength(1);
    for (const value of [null, "x", true]) expect(problems("x", { metadata: value })).toHaveLength(1);
    for (const id of [null, {}, new Uint8Array()]) expect(problems("x", { id })).toHaveLength(1);
  });

  it("is refused as options at all", () => {
    expect(problems("x", "k")).toEqual(['options must be an object such as { key: "o-1" }, got "k"']);
    for (const options of [null, 5, true]) expect(problems("x", options)).toHaveLength(1);
  });

  it("is told all at once, from Message.json too", () => {
    expect(problemsOf(() => Message.json({}, { key: 1, id: 2, topic: 3, metadata: 4, delayMs: 5, deliverAt: 6 } as never))).toHaveLength(6);
    expect(problems({}, { key: 1 })).toHaveLength(2);
  });

  it("is refused as a key that holds half a character, which would be one with others of its kind", () => {
    expect(problems("x", { key: "k\ud83d" })).toEqual(["key must be whole characters, and has a lone surrogate: cut it between characters, or give bytes"]);
  });

  it("is not a name that is not known: what options are for others passes", () => {
    expect(problems("x", { colour: "red" })).toEqual([]);
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
