import { readFileSync } from "node:fs";
import { Message, type ReceivedMessage } from "millrace";
import { Received } from "millrace/adapter";
import { envelope, openEnvelope } from "millrace/forwarder";
import { describe, expect, it } from "vitest";
import { type RecordInit, watermillCodec } from "./codec.ts";
import { tombstone } from "./tombstone.ts";
import { BatchBuilder } from "./wire/batch-builder.ts";
import { type KafkaRecord, UUID_HEADER } from "./wire/record.ts";
import { RecordCursor } from "./wire/record-cursor.ts";

interface GoldenMessage {
  readonly topic: string;
  readonly uuid: string;
  readonly payloadHex: string;
  readonly payloadIsNil?: boolean;
  readonly metadata?: Readonly<Record<string, string>> | null;
  readonly metadataHex?: Readonly<Record<string, string>>;
}
type GoldenHeader = readonly [name: string, valueHex: string | null];
interface GoldenRecord {
  readonly keyHex: string | null;
  readonly valueHex: string | null;
  readonly valueIsNull?: boolean;
  readonly headers: readonly GoldenHeader[];
}
interface Golden {
  readonly encode: readonly {
    readonly name: string;
    readonly codec: string;
    readonly input: GoldenMessage;
    readonly output?: GoldenRecord;
    readonly error?: string;
  }[];
  readonly decode: readonly { readonly name: string; readonly input: GoldenRecord; readonly output: GoldenMessage }[];
}
const golden = JSON.parse(readFileSync(new URL("../testdata/kafka.json", import.meta.url), "utf8")) as Golden;

const hex = (bytes: Uint8Array | null | undefined): string | null => (bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString("hex"));
/** A JavaScript text cannot hold what is not UTF-8. */
const isText = (value: string): boolean => Buffer.from(Buffer.from(value, "hex").toString(), "utf8").toString("hex") === value;

/** A record as it comes back from the wire. */
function stored(init: RecordInit): KafkaRecord {
  const builder = new BatchBuilder();
  builder.append(init, 0);
  const data = builder.finish({ identity: undefined, sequence: 0, compression: "none", transactional: false });
  return new RecordCursor({ topic: "t", index: 0 }, data, 0, []).take() as KafkaRecord;
}

function received(init: RecordInit): ReceivedMessage {
  const record = stored(init);
  return new Received(watermillCodec().decode(record), record);
}

describe("the default codec writes what Watermill writes", () => {
  for (const { name, codec, input, output, error } of golden.encode) {
    // The metadata is not UTF-8: no message of ours can have it.
    if (input.metadata === undefined && input.metadataHex !== undefined) continue;
    const message = new Message(Buffer.from(input.payloadHex, "hex"), { id: input.uuid, metadata: input.metadata ?? {} });
    const partitioned = watermillCodec({
      key: (_topic, { metadata }) => {
        if (error !== undefined) throw new Error(error);
        return metadata.get("partition_key") ?? "";
      },
    });
    const encode = (): RecordInit => (codec === "partitioned" ? partitioned : watermillCodec()).encode(input.topic, message);

    // An empty text under the id's own name passes Watermill's check, and its readers then see an empty id: we refuse it as well.
    if (error !== undefined || input.metadata?.[UUID_HEADER] !== undefined) {
      it(`${name}: refused`, () => {
        expect(encode).toThrow();
      });
      continue;
    }
    it(name, () => {
      const record = stored(encode());
      expect(hex(record.key)).toBe(output?.keyHex);
      expect(hex(record.value)).toBe(output?.valueHex);
      const headers = record.headers.map(([header, value]): GoldenHeader => [header.toString(), hex(value)]);
      expect(headers[0]).toEqual(output?.headers[0]);
      // The order of the others follows Go's maps: there is none.
      const byName = (all: readonly GoldenHeader[] = []): GoldenHeader[] => [...all].sort(([one], [other]) => (one < other ? -1 : 1));
      expect(byName(headers)).toEqual(byName(output?.headers));
    });
  }
});

describe("the default codec reads what Watermill reads", () => {
  for (const { name, input, output } of golden.decode) {
    it(name, () => {
      const message = received({
        key: input.keyHex === null ? undefined : Buffer.from(input.keyHex, "hex"),
        value: input.valueHex === null ? null : Buffer.from(input.valueHex, "hex"),
        headers: input.headers.map(([header, value]) => [header, value === null ? null : Buffer.from(value, "hex")]),
      });
      expect(message.id).toBe(output.uuid);
      expect(hex(message.payload)).toBe(output.payloadHex);
      for (const [key, value] of Object.entries(output.metadata ?? {})) expect(message.metadata.get(key)).toBe(value);
      for (const [keyHex, valueHex] of Object.entries(output.metadataHex ?? {})) {
        if (isText(valueHex)) expect(message.metadata.get(Buffer.from(keyHex, "hex").toString())).toBe(Buffer.from(valueHex, "hex").toString());
      }
      expect(message.metadata.size).toBe(Object.keys(output.metadata ?? output.metadataHex ?? {}).length);
    });
  }
});

describe("a record's key", () => {
  const binary = Uint8Array.of(0xc3, 0x28, 0, 0xff);

  it("is the message's, byte for byte, and its own text where it is none", () => {
    for (const key of [binary, Uint8Array.of(), Buffer.from("größe"), Buffer.from("\ufeffk"), Buffer.from("\ufffd")]) {
      expect(hex(stored(watermillCodec().encode("t", new Message("x", { key }))).key)).toBe(hex(key));
      const message = received({ key, value: Buffer.from("x"), headers: [] });
      expect([hex(message.keyBytes), message.key]).toEqual([hex(key), new Message("x", { key }).key]);
    }
    expect(stored(watermillCodec().encode("t", new Message("x"))).key).toBeNull();
    expect(received({ key: undefined, value: null, headers: [] }).key).toBeUndefined();
  });

  it("goes on with whatever is made of the message", () => {
    const message = received({ key: binary, value: Buffer.from("x"), headers: [] });
    for (const onward of [message, message.copy(), message.derive({ metadata: { a: "1" } }), new Message("y", { key: message.key })]) {
      expect(hex(stored(watermillCodec().encode("t", onward)).key)).toBe(hex(binary));
    }
  });

  it("may be chosen as bytes or as text", () => {
    for (const key of [binary, new Message("x", { key: binary }).key as string]) {
      expect(hex(stored(watermillCodec({ key: () => key }).encode("t", new Message("x"))).key)).toBe(hex(binary));
    }
  });

  it("of a tombstone is its own, too", () => {
    const record = stored(watermillCodec().encode("t", tombstone(binary)));
    expect([hex(record.key), record.value]).toEqual([hex(binary), null]);
  });
});

describe("what only Kafka knows of a record", () => {
  const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
  const init: RecordInit = {
    key: Buffer.from([200]),
    value: null,
    headers: [
      [UUID_HEADER, "m-1"],
      ["n", bytes("\xff\xfe")],
      ["twice", "a"],
      ["twice", "b"],
      ["none", null],
      ["plain", "text"],
    ],
  };
  const written = (message: Message): unknown => {
    const { key, value, headers } = stored(watermillCodec().encode("t", message));
    return [hex(key), hex(value), headers.map(([name, header]) => [name.toString(), hex(header)])];
  };
  const expected = (headers: RecordInit["headers"]): unknown => [
    "c8",
    null,
    headers.map(([name, header]) => [String(name), hex(typeof header === "string" ? Buffer.from(header) : header)]),
  ];

  it("is written again by a copy, with what the copy says instead", () => {
    const message = received(init);
    expect(written(message.copy())).toEqual(expected(init.headers));
    expect(written(message.derive({}).copy().copy())).toEqual(expected(init.headers));
    const changed = message.copy({ metadata: new Map([...message.metadata, ["plain", "other"], ["reason_poisoned", "x"]]) });
    const others = init.headers.filter(([name]) => name !== "plain");
    expect(written(changed)).toEqual(expected([...others, ["plain", "other"], ["reason_poisoned", "x"]]));
  });

  it("goes through an outbox, a missing value and the key 200, which is not the key 201, among them", () => {
    const through = (message: Message): Message => openEnvelope(new Message(envelope("t", message).payload)).message;
    expect(written(through(received(init)))).toEqual(expected(init.headers));
    expect(written(through(tombstone(Uint8Array.of(200), { id: "m-1" })))).toEqual(expected([[UUID_HEADER, "m-1"]]));
    expect(through(received({ ...init, key: Buffer.from([201]) })).key).not.toBe(through(received(init)).key);
    expect(through(new Message("")).payload).toEqual(new Uint8Array(0));
    expect(written(through(new Message("", { id: "m-1", key: Uint8Array.of(200) })))).toEqual(["c8", "", [[UUID_HEADER, hex(Buffer.from("m-1"))]]]);
    const plain = received({ key: "k", value: Buffer.from("v"), headers: [[UUID_HEADER, "m-1"]] });
    expect(envelope("t", plain).text()).not.toContain("millrace_native");
  });
});
