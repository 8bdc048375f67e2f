import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { OptionError } from "../errors/index.ts";
import { Message, type Produced, producedList } from "../message/index.ts";
import { CORRELATION_ID_KEY, correlationId, messageCorrelationId, setCorrelationId } from "./correlation-id.ts";
import { received } from "./received.fixture.ts";

const golden = JSON.parse(readFileSync(new URL("../../testdata/golden/middleware.json", import.meta.url), "utf8"));

function ids(produced: Produced): (string | undefined)[] {
  return producedList(produced).map((message) => message.metadata.get(CORRELATION_ID_KEY));
}

describe("correlationId", () => {
  it("uses Watermill's metadata key", () => {
    expect(CORRELATION_ID_KEY).toBe(golden.constants.correlation);
  });

  it("passes the id on as Watermill does, message by message", () => {
    const { input, output } = golden.behaviour.find((one: { name: string }) => one.name === "correlation id passes on");
    const handle = correlationId()(() => [new Message("1", { id: "o1" }), new Message("2", { id: "o2", metadata: { [CORRELATION_ID_KEY]: "own" } })]);
    const produced = producedList(handle(received({ metadata: input.metadata })) as Produced);
    expect(produced.map((one) => ({ uuid: one.id, payloadText: one.text(), metadata: Object.fromEntries(one.metadata) }))).toEqual(
      output.publishedByHandler.map(({ uuid, payloadText, metadata }: Record<string, unknown>) => ({ uuid, payloadText, metadata })),
    );
  });

  it("writes nothing when there is no id, where Watermill writes an empty one", () => {
    const known = golden.behaviour.find((one: { name: string }) => one.name === "correlation id absent");
    expect(known.output.publishedByHandler[0].metadata).toEqual({ correlation_id: "" });
    const handle = correlationId()(() => new Message("1"));
    expect(ids(handle(received()) as Produced)).toEqual([undefined]);
    expect(ids(handle(received({ metadata: { [CORRELATION_ID_KEY]: "" } })) as Produced)).toEqual([undefined]);
  });

  it("gives one message back as one and a list as a list", () => {
    const consumed = received({ metadata: { [CORRELATION_ID_KEY]: "c-1" } });
    expect(correlationId()(() => new Message("1"))(consumed)).toBeInstanceOf(Message);
    expect(correlationId()(() => [])(consumed)).toEqual([]);
    expect(correlationId()(() => undefined)(consumed)).toBeUndefined();
  });

  it("passes the id on from an asynchronous handler", async () => {
    const handle = correlationId()(async () => new Message("1"));
    expect(ids(await handle(received({ metadata: { [CORRELATION_ID_KEY]: "c-1" } })))).toEqual(["c-1"]);
  });

  it("does not write to a message that the handler gives back every time", () => {
    const always = new Message("same", { id: "same", key: "k" });
    const handle = correlationId()(() => always);
    const first = handle(received({ metadata: { [CORRELATION_ID_KEY]: "c-1" } })) as Message;
    expect(ids(first)).toEqual(["c-1"]);
    expect(ids(handle(received({ metadata: { [CORRELATION_ID_KEY]: "c-2" } })) as Produced)).toEqual(["c-2"]);
    expect(always.metadata.size).toBe(0);
    expect([first.id, first.key, first.text()]).toEqual(["same", "k", "same"]);
  });

  it("begins a correlation with the message's own id when told to generate, and shows it to the handler", () => {
    const seen: (string | undefined)[] = [];
    const consumed = received({ id: "m-7" });
    const handle = correlationId({ generate: true })((message) => {
      seen.push(messageCorrelationId(message));
      return new Message("1");
    });
    expect(ids(handle(consumed) as Produced)).toEqual(["m-7"]);
    expect(seen).toEqual(["m-7"]);
    expect(consumed.metadata.size).toBe(0);
  });

  it("takes the id from a function, and writes none when that gives an empty one", () => {
    const handle = (id: string) => correlationId({ generate: () => id })(() => new Message("1"));
    expect(ids(handle("g-1")(received()) as Produced)).toEqual(["g-1"]);
    expect(ids(handle("")(received()) as Produced)).toEqual([undefined]);
    expect(ids(handle("g-1")(received({ metadata: { [CORRELATION_ID_KEY]: "c-1" } })) as Produced)).toEqual(["c-1"]);
  });

  it("sets an id on a message only where there is none", () => {
    const message = new Message("1");
    setCorrelationId("", message);
    expect(message.metadata.has(CORRELATION_ID_KEY)).toBe(false);
    setCorrelationId("a", message);
    setCorrelationId("b", message);
    expect(messageCorrelationId(message)).toBe("a");
  });

  it("refuses bad options", () => {
    expect(() => correlationId({ generate: "yes" as never })).toThrow(OptionError);
  });
});
