import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isPermanent, OptionError } from "../errors/index.ts";
import { Message } from "../message/index.ts";
import { envelope, openEnvelope } from "./envelope.ts";
import { FORWARDER_DEFAULTS } from "./forwarder-options.ts";

interface GoldenMessage {
  readonly topic: string;
  readonly uuid: string;
  readonly payloadHex: string;
  readonly payloadIsNil?: boolean;
  readonly metadata: Record<string, string> | null;
  readonly metadataHex?: Record<string, string>;
}
interface Encode {
  readonly name: string;
  readonly input?: GoldenMessage;
  readonly output?: { readonly payloadHex?: string; readonly payloadText: string; readonly publishedTo: string };
  readonly error?: string;
}
interface Decode {
  readonly name: string;
  readonly input: { readonly payloadText: string; readonly ackWhenCannotUnwrap: boolean };
  readonly output: { readonly published: readonly GoldenMessage[]; readonly verdict: "ack" | "nack" };
}
const golden: { readonly constants: Record<string, string>; readonly encode: readonly Encode[]; readonly decode: readonly Decode[] } = JSON.parse(
  readFileSync(new URL("../../testdata/golden/forwarder.json", import.meta.url), "utf8"),
);
const fromHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));

/** A JavaScript text cannot hold what is not UTF-8: no message of ours has such metadata. */
const isText = ({ metadataHex }: GoldenMessage): boolean => Object.values(metadataHex ?? {}).every((hex) => isUtf8(fromHex(hex)));

function messageOf(input: GoldenMessage): Message {
  const raw = Object.entries(input.metadataHex ?? {}).map(([key, value]): [string, string] => [
    Buffer.from(key, "hex").toString(),
    Buffer.from(value, "hex").toString(),
  ]);
  return new Message(fromHex(input.payloadHex), { id: input.uuid, metadata: [...raw, ...Object.entries(input.metadata ?? {})] });
}

/** A message here has a payload and metadata always, so Go's nil of either goes out as an empty one. */
function withoutNil(text: string, input: GoldenMessage): string {
  const filled = input.payloadIsNil === true ? text.replace('"payload":null', '"payload":""') : text;
  return input.metadata === null && input.metadataHex === undefined ? filled.replace(/"metadata":null\}$/, '"metadata":{}}') : filled;
}

describe("envelope", () => {
  const cases = golden.encode.filter((one) => one.input !== undefined && one.output !== undefined) as Required<Encode>[];

  it("has cases to be held to", () => {
    expect(cases.length).toBeGreaterThan(30);
    expect(golden.decode.length).toBeGreaterThan(30);
  });

  for (const { name, input, output } of cases.filter((each) => isText(each.input))) {
    it(`writes the bytes that Watermill writes: ${name}`, () => {
      const message = messageOf(input);
      const wrapped = envelope(input.topic, message);
      expect(wrapped.text()).toBe(withoutNil(output.payloadText ?? Buffer.from(output.payloadHex ?? "", "hex").toString(), input));
      if (output.payloadHex !== undefined && input.payloadIsNil !== true && input.metadata !== null) {
        expect(Buffer.from(wrapped.payload).toString("hex")).toBe(output.payloadHex);
      }
      expect(wrapped.metadata.size).toBe(0);
      expect(wrapped.id).not.toBe(message.id);
    });
  }

  it("uses Watermill's default topic", () => {
    expect(FORWARDER_DEFAULTS.topic).toBe(golden.constants.defaultForwarderTopic);
  });

  it("refuses an empty destination, as Watermill does", () => {
    expect(golden.encode.find(({ name }) => name === "empty destination topic")?.error).toContain("unknown destination topic");
    expect(() => envelope("", new Message("x"))).toThrow(OptionError);
  });

  it("carries the ordering key as its own, and written in it, where a store that has no keys does not lose it", () => {
    const wrapped = envelope("orders", new Message("x", { id: "m-1", key: "o-1 <é>" }));
    expect(wrapped.key).toBe("o-1 <é>");
    expect(wrapped.text()).toBe('{"destination_topic":"orders","uuid":"m-1","payload":"eA==","metadata":{},"millrace_key":"o-1 \\u003cé\\u003e"}');
    expect(openEnvelope(new Message(wrapped.payload)).message.key).toBe("o-1 <é>");
    expect(openEnvelope(envelope("orders", new Message("x", { key: "" }))).message.key).toBe("");
    expect(openEnvelope(envelope("orders", new Message("x"))).message.key).toBeUndefined();
  });

  it("carries a key that is no text without loss", () => {
    const keys = [Uint8Array.of(0xff, 0x00, 0xc3), Uint8Array.of(0xff, 0x00, 0xc4), Uint8Array.of(0xed, 0xa0, 0x80)];
    for (const key of keys) {
      const wrapped = envelope("orders", new Message("x", { key }));
      expect(wrapped.keyBytes).toEqual(key);
      expect(wrapped.text()).toContain(`,"millrace_key_base64":"${Buffer.from(key).toString("base64")}"}`);
      expect(openEnvelope(new Message(wrapped.payload)).message.keyBytes).toEqual(key);
    }
  });

  it("gives the envelope's own key where none is written in it, as in envelopes of other writers", () => {
    const body = '{"destination_topic":"orders","uuid":"m-1","payload":"eA==","metadata":{}}';
    expect(openEnvelope(new Message(body, { key: "o-1" })).message.key).toBe("o-1");
    expect(openEnvelope(new Message(body.replace("}}", '},"millrace_key":null}'), { key: "o-1" })).message.key).toBe("o-1");
    expect(openEnvelope(new Message(body.replace("}}", '},"Millrace_Key":"o-2"}'), { key: "o-1" })).message.key).toBe("o-2");
  });

  it("brings every message back as it was", () => {
    for (const { input } of cases.filter(({ input }) => input.metadataHex === undefined)) {
      const message = messageOf(input);
      const { topic, message: opened } = openEnvelope(envelope(input.topic, message));
      expect({ topic, id: opened.id, payload: Buffer.from(opened.payload), metadata: Object.fromEntries(opened.metadata) }).toEqual({
        topic: input.topic,
        id: message.id,
        payload: Buffer.from(message.payload),
        metadata: Object.fromEntries(message.metadata),
      });
    }
  });
});

const BAD_KEYS = ['{"destination_topic":"t","millrace_key":7}', '{"destination_topic":"t","millrace_key_base64":"secret!"}'];

describe("openEnvelope", () => {
  for (const { name, input, output } of golden.decode.filter((one) => !one.input.ackWhenCannotUnwrap)) {
    it(`reads what Watermill reads, and refuses what it refuses: ${name}`, () => {
      const wrapped = new Message(input.payloadText);
      const [expected] = output.published;
      if (expected === undefined) {
        expect(output.verdict).toBe("nack");
        expect(() => openEnvelope(wrapped)).toThrow(expect.objectContaining({ code: "BAD_ENVELOPE" }));
        return;
      }
      const { topic, message } = openEnvelope(wrapped);
      expect({ topic, uuid: message.id, payloadHex: Buffer.from(message.payload).toString("hex"), metadata: Object.fromEntries(message.metadata) }).toEqual({
        topic: expected.topic,
        uuid: expected.uuid,
        payloadHex: expected.payloadHex,
        metadata: expected.metadata ?? {},
      });
      message.metadata.set("can be", "written");
    });
  }

  it("refuses for good, without quoting what it read", () => {
    for (const body of [
      "secret",
      '{"destination_topic":7}',
      '{"destination_topic":"t","payload":[256]}',
      '{"destination_topic":"t","metadata":[]}',
      "7",
      ...BAD_KEYS,
    ]) {
      let thrown: unknown;
      try {
        openEnvelope(new Message(body, { id: "e-1" }));
      } catch (error) {
        thrown = error;
      }
      expect(isPermanent(thrown)).toBe(true);
      expect(String(thrown)).toContain("e-1");
      expect(String(thrown)).not.toContain("secret");
    }
  });

  it("takes half of a surrogate pair for a replacement character, as Go does", () => {
    const { message } = openEnvelope(new Message('{"destination_topic":"t","uuid":"\\ud800","metadata":{"\\udc00":"a\\ud83d"}}'));
    expect(message.id).toBe("\ufffd");
    expect([...message.metadata]).toEqual([["\ufffd", "a\ufffd"]]);
  });
});
