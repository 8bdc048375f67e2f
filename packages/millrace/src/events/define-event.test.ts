import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { Message, type ReceivedMessage, type StandardSchema } from "../message/index.ts";
import { received } from "../testing/index.ts";
import { defineEvent, type EventContract } from "./index.ts";

/** Takes a date as text and gives it as a `Date`; fills in what is left out. */
const schema = z.object({
  id: z.string().min(1),
  at: z.iso.datetime().transform((text) => new Date(text)),
  seats: z.number().int().default(1),
});
const booked = defineEvent("event.booked", { schema, key: ({ id, seats }) => `${id}/${seats}` });
const AT = "2026-01-02T03:04:05.000Z";
const data = { id: "b-1", at: AT };
/** What the schema makes of it. */
const output = { id: "b-1", at: new Date(AT), seats: 1 };

describe("an event", () => {
  it("has a topic, which is its name unless it is given another", () => {
    expect([booked.name, booked.topic]).toEqual(["event.booked", "event.booked"]);
    expect(defineEvent("event.booked", { schema, topic: "bookings" }).topic).toBe("bookings");
  });

  it("sends the data as it was given, and gives to the reader what the schema makes of it", () => {
    const message = booked.message(data);
    expect(message.text()).toBe(JSON.stringify(data));
    expect(booked.read(message)).toEqual(output);
    expect(booked.read(received(message))).toEqual(output);
  });

  it("tells its name in the metadata, its topic, and the key that its output has", () => {
    const message = booked.message({ ...data, seats: 3 });
    expect([[...message.metadata], message.topic, message.key]).toEqual([[["name", "event.booked"]], "event.booked", "b-1/3"]);
    expect(booked.message(data).key).toBe("b-1/1");
    expect(defineEvent("e", { schema, topic: "t" }).message(data)).toMatchObject({ key: undefined, topic: "t" });
  });

  it("takes what else a message is made of, but stays the event it is", () => {
    const consumed = defineEvent("order.placed", { schema }).message(data, { metadata: { tenant: "acme" } });
    const message = booked.message(data, { id: "m-1", key: "k", topic: "elsewhere", metadata: consumed.metadata, deliverAt: new Date("2100-01-01") });
    expect(message).toMatchObject({ id: "m-1", key: "k", topic: "elsewhere", dueAt: new Date("2100-01-01") });
    expect([message.metadata.get("tenant"), message.metadata.get("name"), consumed.metadata.get("name")]).toEqual(["acme", "event.booked", "order.placed"]);
  });

  it("is not made of data that its schema refuses, and names every field", async () => {
    const bad = { id: "", at: "yesterday" };
    const refusal = expect.objectContaining({
      name: "PermanentError",
      code: "INVALID_PAYLOAD",
      message: expect.stringMatching(/^event "event.booked".*id.*at/),
    });
    expect(() => booked.message(bad)).toThrow(refusal);
    await expect(booked.messageAsync(bad)).rejects.toEqual(refusal);
  });

  it("is not read from a payload that its schema refuses, or that is no JSON", async () => {
    for (const message of [Message.json({ id: 7 }), new Message("{")]) {
      const refusal = expect.objectContaining({ name: "PermanentError", code: "INVALID_PAYLOAD" });
      expect(() => booked.read(message)).toThrow(refusal);
      await expect(booked.readAsync(message)).rejects.toEqual(refusal);
    }
  });

  it("is not read from a message that tells of another one, also where the data would fit", async () => {
    const other = defineEvent("event.removed", { schema }).message(data);
    const refusal = expect.objectContaining({ name: "PermanentError", code: "WRONG_EVENT", message: expect.stringContaining('"event.removed"') });
    expect(() => booked.read(other)).toThrow(refusal);
    await expect(booked.readAsync(other)).rejects.toEqual(refusal);
  });

  it("is read from a message that does not say what it tells of", () => {
    expect(booked.read(Message.json(data, { metadata: { tenant: "acme" } }))).toEqual(output);
  });
});

describe("an event whose schema answers later", () => {
  const later = defineEvent("later", { schema: schema.refine(async ({ id }) => id !== "taken", "is taken"), key: ({ id }) => id });

  it("is made and read by the ways that wait", async () => {
    const message = await later.messageAsync(data, { id: "m-1" });
    expect(message).toMatchObject({ id: "m-1", key: "b-1", topic: "later" });
    expect(message.text()).toBe(JSON.stringify(data));
    expect(await later.readAsync(message)).toEqual(output);
    await expect(later.messageAsync({ ...data, id: "taken" })).rejects.toMatchObject({ code: "INVALID_PAYLOAD" });
  });

  it("is refused by the ways that do not, which name the others", () => {
    const refusal = (way: string) => expect.objectContaining({ name: "PermanentError", code: "ASYNC_SCHEMA", message: expect.stringContaining(`use ${way}`) });
    expect(() => later.message(data)).toThrow(refusal("messageAsync(data)"));
    expect(() => later.read(Message.json(data))).toThrow(refusal("readAsync(message)"));
  });

  it("and rejects it when nobody waits any more leaves the process alone", async () => {
    const rejecting: StandardSchema<unknown, string> = { "~standard": { version: 1, vendor: "test", validate: () => Promise.reject(new Error("too late")) } };
    const event = defineEvent("rejecting", { schema: rejecting });
    expect(() => event.message({})).toThrow(expect.objectContaining({ code: "ASYNC_SCHEMA" }));
    await new Promise((resolve) => void setImmediate(resolve)); // an unhandled rejection would fail the run
    await expect(event.messageAsync({})).rejects.toThrow("too late");
  });

  it("can have one that answers at once, too", async () => {
    expect(await booked.readAsync(await booked.messageAsync(data))).toEqual(output);
  });
});

describe("defineEvent", () => {
  it("refuses what it does not know, and what is missing", () => {
    expect(() => defineEvent("e", { schema, keys: () => "k" } as never)).toThrow(/unknown option keys, did you mean key\?/);
    expect(() => defineEvent("", { schema: {} as never, topic: "" })).toThrow(
      expect.objectContaining({ code: "BAD_OPTION", problems: expect.objectContaining({ length: 3 }) }),
    );
    expect(() => defineEvent("e", undefined as never)).toThrow(/options must be an object/);
  });
});

describe("the types of an event", () => {
  it("are what the schema takes and what it gives", () => {
    type Input = z.input<typeof schema>;
    type Output = z.output<typeof schema>;
    expectTypeOf<Input>().toEqualTypeOf<{ id: string; at: string; seats?: number | undefined }>();
    expectTypeOf<Output>().toEqualTypeOf<{ id: string; at: Date; seats: number }>();
    expectTypeOf(booked).toEqualTypeOf<EventContract<Input, Output>>();
    expectTypeOf(booked.message).parameter(0).toEqualTypeOf<Input>();
    expectTypeOf(booked.messageAsync).parameter(0).toEqualTypeOf<Input>();
    expectTypeOf(booked.read).returns.toEqualTypeOf<Output>();
    expectTypeOf(booked.readAsync).returns.resolves.toEqualTypeOf<Output>();
    expectTypeOf(booked.message).returns.toEqualTypeOf<Message>();
    expectTypeOf(booked.read).toBeCallableWith({} as ReceivedMessage);
  });

  it("keep a date that was read from being sent as one", () => {
    // @ts-expect-error: a Date is what comes out, a text is what goes in
    expect(() => booked.message(output)).toThrow(expect.objectContaining({ code: "INVALID_PAYLOAD" }));
    // @ts-expect-error: the key is made of the output, whose date is no text
    defineEvent("e", { schema, key: ({ at }) => at.slice(0, 4) });
    // @ts-expect-error: there is no such option
    expect(() => defineEvent("e", { schema, topics: "x" })).toThrow(/did you mean topic/);
  });
});
