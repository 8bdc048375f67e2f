import { readFileSync } from "node:fs";
import { Message, MillraceError } from "millrace";
import { KEY_BASE64_METADATA, KEY_METADATA, keyText } from "millrace/adapter";
import { describe, expect, it } from "vitest";
import { correlatingCodec, ID_HEADER, type RabbitMqCodec, watermillCodec } from "./codec.ts";

interface Header {
  readonly key: string;
  readonly type: string;
  readonly value?: unknown;
  readonly valueHex?: string;
}
interface EncodeCase {
  readonly name: string;
  readonly codec: string;
  readonly input: {
    readonly uuid: string;
    readonly payloadHex: string;
    readonly metadata?: Readonly<Record<string, string>> | null;
    readonly metadataHex?: Readonly<Record<string, string>>;
  };
  readonly output: { readonly bodyHex: string; readonly correlationId: string; readonly headers: readonly Header[] } & Readonly<Record<string, unknown>>;
}
interface DecodeCase {
  readonly name: string;
  readonly codec: string;
  readonly input: { readonly bodyHex: string; readonly correlationId: string; readonly headers: readonly Header[]; readonly headersIsNil: boolean };
  readonly output?: { readonly uuid: string; readonly payloadHex: string; readonly metadata: Readonly<Record<string, string>> };
  readonly error?: string;
}

const golden = JSON.parse(readFileSync(new URL("../testdata/golden/amqp.json", import.meta.url), "utf8")) as {
  readonly encode: readonly EncodeCase[];
  readonly decode: readonly DecodeCase[];
};
const CODECS: Readonly<Record<string, RabbitMqCodec>> = {
  default: watermillCodec(),
  transient: watermillCodec(),
  "default-uuid-key": watermillCodec({ idHeader: "x-id" }),
  correlating: correlatingCodec(),
};
const codecOf = (name: string): RabbitMqCodec => CODECS[name] as RabbitMqCodec;

describe("what Watermill writes", () => {
  it.each(golden.encode.map((each) => [`${each.name}, ${each.codec}`, each] as const))("is written the same: %s", (_, { codec, input, output }) => {
    // A JavaScript text cannot hold bytes that are not UTF-8: they become U+FFFD.
    const text = (hex: string): string => Buffer.from(hex, "hex").toString();
    const metadata = input.metadataHex === undefined ? (input.metadata ?? {}) : mapped(input.metadataHex, text);
    const { content, properties } = codecOf(codec).encode(new Message(Buffer.from(input.payloadHex, "hex"), { id: input.uuid, metadata }));
    expect(content.toString("hex")).toBe(output.bodyHex);
    expect(new Map(Object.entries(properties.headers as Record<string, unknown>))).toEqual(
      new Map(output.headers.map(({ key, valueHex = "" }) => [key, text(valueHex)])),
    );
    expect(output.headers.every(({ type }) => type === "longstr")).toBe(true);
    expect(properties.correlationId ?? "").toBe(output.correlationId);
    expect(Object.keys(properties).filter((name) => name !== "headers" && name !== "correlationId")).toEqual([]);
  });
});

describe("what Watermill reads", () => {
  it.each(golden.decode.map((each) => [`${each.name}, ${each.codec}`, each] as const))(
    "is read, and more besides: %s",
    (_, { codec, input, output, error }) => {
      const headers = input.headersIsNil ? undefined : Object.fromEntries(input.headers.map((header) => [header.key, wireValue(header)]));
      const content = Buffer.from(input.bodyHex, "hex");
      const read = () => codecOf(codec).decode(content, { headers, correlationId: input.correlationId === "" ? undefined : input.correlationId });
      if (error !== undefined && /^message UUID/.test(error)) {
        expect(read).toThrow(expect.objectContaining({ code: "UNDECODABLE" }));
        return;
      }
      const message = read();
      const { id, payload } = message;
      expect(Buffer.from(payload).toString("hex")).toBe(input.bodyHex);
      if (output === undefined) {
        // Watermill refuses a header that is no text, and so the message; here it is text, or what the broker noted, which is no metadata.
        expect(error).toMatch(/is not a string/);
        return;
      }
      expect(id).toBe(output.uuid);
      expect(Object.fromEntries(message.readMetadata() ?? [])).toEqual(output.metadata);
    },
  );
});

describe("headers of every type", () => {
  it.each([
    ["a number", 17, "17"],
    ["a negative number", -3, "-3"],
    ["a fraction", 1.5, "1.5"],
    ["true", true, "true"],
    ["nothing", null, ""],
    ["bytes", Buffer.from([1, 2, 255]), "AQL/"],
    ["a time", { "!": "timestamp", value: 1_700_000_000 }, "2023-11-14T22:13:20Z"],
    ["a time beyond all calendars", { "!": "timestamp", value: 1e18 }, "1000000000000000000"],
    ["a decimal", { "!": "decimal", value: { places: 2, digits: 5 } }, "0.05"],
    ["a whole decimal", { "!": "decimal", value: { places: 0, digits: 5 } }, "5"],
    ["a table", { a: "b", at: { "!": "timestamp", value: 0 } }, '{"a":"b","at":"1970-01-01T00:00:00Z"}'],
    ["a list", ["x", 1, { y: Buffer.from("z") }], '["x",1,{"y":"eg=="}]'],
    ["text", "żółć", "żółć"],
  ])("%s becomes text", (_, value, text) => {
    const metadata = watermillCodec()
      .decode(Buffer.from(""), { headers: { [ID_HEADER]: "1", h: value } })
      .readMetadata();
    expect(metadata?.get("h")).toBe(text);
  });

  it("that the broker adds are no metadata", () => {
    const headers = { [ID_HEADER]: "1", "x-death": [{ count: 1 }], "x-first-death-queue": "q", "x-delivery-count": 3, millrace_attempt: "2", CC: ["q"] };
    expect(watermillCodec().decode(Buffer.from(""), { headers }).readMetadata()).toBeUndefined();
  });
});

describe("codec", () => {
  it("carries the key, and none where there is none", () => {
    const codec = watermillCodec();
    const { properties } = codec.encode(new Message("m", { key: "k" }));
    expect(properties.headers[KEY_METADATA]).toBe("k");
    expect(codec.decode(Buffer.from("m"), properties).key).toBe("k");
    expect(codec.decode(Buffer.from("m"), properties).readMetadata()).toBeUndefined();
    expect(codec.decode(Buffer.from("m"), codec.encode(new Message("m")).properties).key).toBeUndefined();
  });

  it.each([watermillCodec(), correlatingCodec()])("carries a key that is no text as base64, for headers are texts in Go", (codec) => {
    const { properties } = codec.encode(new Message("m", { key: Uint8Array.of(0xff, 0) }));
    expect(properties.headers).toMatchObject({ [KEY_BASE64_METADATA]: "/wA=" });
    expect(properties.headers).not.toHaveProperty(KEY_METADATA);
    const decoded = codec.decode(Buffer.from("m"), properties);
    expect([decoded.key, decoded.readMetadata()]).toEqual([keyText(Uint8Array.of(0xff, 0)), undefined]);
  });

  it("tells an empty key from none", () => {
    const codec = watermillCodec();
    expect(codec.decode(Buffer.from("m"), codec.encode(new Message("m", { key: "" })).properties).key).toBe("");
  });

  it("lets the message's own key hold against what its metadata say of one", () => {
    const codec = watermillCodec();
    for (const key of ["k", Uint8Array.of(0xff)]) {
      const message = new Message("m", { key, metadata: { [KEY_METADATA]: "other", [KEY_BASE64_METADATA]: "AAAA" } });
      expect(codec.decode(Buffer.from("m"), codec.encode(message).properties).key).toBe(message.key);
    }
  });

  it("takes the property message-id where no header says the id", () => {
    expect(watermillCodec().decode(Buffer.from("m"), { messageId: "m-1", headers: {} }).id).toBe("m-1");
  });

  it("carries an entry named __proto__ like any other", () => {
    const codec = watermillCodec();
    const { properties } = codec.encode(new Message("m", { metadata: new Map([["__proto__", "own"]]) }));
    expect(codec.decode(Buffer.from("m"), properties).readMetadata()?.get("__proto__")).toBe("own");
  });

  it.each(["CC", "BCC"])("refuses metadata %s, for which RabbitMQ would send copies elsewhere", (name) => {
    expect(codeOf(() => watermillCodec().encode(new Message("m", { metadata: { [name]: "queue" } })))).toBe("UNENCODABLE");
  });

  it("refuses a name longer than AMQP can write", () => {
    expect(codeOf(() => watermillCodec().encode(new Message("m", { metadata: { ["ż".repeat(128)]: "" } })))).toBe("UNENCODABLE");
  });
});

function wireValue({ type, value, valueHex = "" }: Header): unknown {
  if (type === "bytes") return Buffer.from(valueHex, "hex");
  return type === "timestamp" ? { "!": "timestamp", value } : value;
}

function mapped(entries: Readonly<Record<string, string>>, text: (hex: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(entries).map(([key, value]) => [text(key), text(value)]));
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    return MillraceError.is(error) ? error.code : String(error);
  }
  return undefined;
}
