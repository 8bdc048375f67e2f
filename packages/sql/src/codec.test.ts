import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { Message, OptionError } from "millrace";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeMetadata, encodeRow } from "./codec.ts";
import { SqlPubSub } from "./pub-sub.ts";
import type { SqliteDatabase } from "./sqlite/driver.ts";
import { openDatabase } from "./sqlite/driver.ts";
import { sqlite } from "./sqlite/sqlite.ts";
import { temporaryFile } from "./testing/temporary-file.ts";

interface Case {
  readonly name: string;
  readonly input: never;
  readonly output?: never;
  readonly error?: string;
}
interface EncodeInput {
  readonly topic?: string;
  readonly uuid: string;
  readonly payloadHex: string;
  readonly metadata?: Record<string, string> | null;
  readonly metadataHex?: Record<string, string>;
}
interface EncodeOutput {
  readonly metadataHex: string;
  readonly payloadHex: string;
  readonly uuid: string;
  readonly typeof: Record<string, string>;
}
type Golden = Record<"encode" | "decode" | "statements" | "behaviour", readonly Case[]>;

const golden = JSON.parse(readFileSync(new URL("../testdata/golden/sql-sqlite.json", import.meta.url), "utf8")) as Golden;
const file = temporaryFile();
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

let pubsub: SqlPubSub;
let database: SqliteDatabase;

beforeAll(async () => {
  pubsub = new SqlPubSub({ dialect: sqlite({ path: file.path }) });
  await pubsub.provision("events");
  database = openDatabase(file.path);
});
afterAll(async () => {
  database.close();
  await pubsub.close();
  file.remove();
});

function messageOf(input: EncodeInput): Message {
  const metadata =
    input.metadataHex === undefined
      ? (input.metadata ?? {})
      : Object.fromEntries(Object.entries(input.metadataHex).map(([key, value]) => [Buffer.from(key, "hex").toString(), Buffer.from(value, "hex").toString()]));
  return new Message(Buffer.from(input.payloadHex, "hex"), { id: input.uuid, metadata });
}

describe("rows", () => {
  // A JavaScript text cannot hold what is not UTF-8: no message of ours has such metadata.
  const isText = ({ metadataHex }: EncodeInput): boolean => Object.values(metadataHex ?? {}).every((value) => isUtf8(Buffer.from(value, "hex")));
  for (const { name, input, output } of golden.encode.filter((each) => isText(each.input))) {
    it(`writes what Watermill writes: ${name}`, async () => {
      const given = input as EncodeInput;
      const expected = output as unknown as EncodeOutput;
      const topic = given.topic ?? "events";
      await pubsub.publish(topic, messageOf(given));
      const row = database
        .prepare(
          `SELECT uuid, payload, metadata, created_at, typeof(uuid) AS tu, typeof(created_at) AS tc, typeof(payload) AS tp, typeof(metadata) AS tm FROM "watermill_${topic}" ORDER BY offset DESC LIMIT 1`,
        )
        .get() as { uuid: string; payload: Uint8Array; metadata: Uint8Array; created_at: string; tu: string; tc: string; tp: string; tm: string };
      expect(row.uuid).toBe(expected.uuid);
      expect(hex(row.payload)).toBe(expected.payloadHex);
      // Go's nil map is written as null; a message here always has metadata, maybe none.
      expect(hex(row.metadata)).toBe(expected.metadataHex === "6e756c6c" ? "7b7d" : expected.metadataHex);
      expect({ uuid: row.tu, created_at: row.tc, payload: row.tp, metadata: row.tm }).toEqual(expected.typeof);
      expect(row.created_at).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/);
    });
  }

  it("writes the key as metadata millrace_key only when it is set, and takes it out on reading", async () => {
    expect(encodeRow("t", new Message("x", { key: "k1" })).metadata).toBe('{"millrace_key":"k1"}');
    expect(encodeRow("t", new Message("x", { key: "" })).metadata).toBe('{"millrace_key":""}');
    expect(encodeRow("t", new Message("x")).metadata).toBeUndefined();
    await pubsub.publish("keys", new Message("x", { key: "k1", metadata: { a: "b" } }));
    const [message] = await readAll("keys", 1);
    expect(message).toMatchObject({ key: "k1", metadata: { a: "b" } });
  });

  it("writes a key that is no text as base64 in metadata millrace_key_base64, and takes it out on reading", async () => {
    const key = Uint8Array.of(0xff, 0);
    expect(encodeRow("t", new Message("x", { key })).metadata).toBe('{"millrace_key_base64":"/wA="}');
    await pubsub.publish("binary-keys", new Message("x", { key, metadata: { a: "b" } }));
    const [message] = await readAll("binary-keys", 1);
    expect(message).toMatchObject({ key: new Message("", { key }).key, metadata: { a: "b" } });
  });

  it("lets the message's own key hold against what its metadata say of one", () => {
    const metadata = { millrace_key: "other", millrace_key_base64: "AAAA" };
    expect(encodeRow("t", new Message("x", { key: "k1", metadata })).metadata).toBe('{"millrace_key":"k1"}');
    expect(encodeRow("t", new Message("x", { key: Uint8Array.of(0xff), metadata })).metadata).toBe('{"millrace_key_base64":"/w=="}');
  });

  it("reads the binary key where a foreign writer wrote both, and refuses one that is no base64", () => {
    for (const row of ['{"millrace_key":"k","millrace_key_base64":"/w=="}', '{"millrace_key_base64":"/w==","millrace_key":"k"}']) {
      expect(decodeMetadata(row).key).toBe(new Message("", { key: Uint8Array.of(0xff) }).key);
    }
    expect(() => decodeMetadata('{"millrace_key_base64":"k"}')).toThrow(expect.objectContaining({ code: "UNDECODABLE" }));
  });

  it("sorts metadata keys by their UTF-8 bytes", () => {
    const { metadata } = encodeRow("t", new Message("x", { metadata: { "\u{1f600}": "1", "\uffee": "2", a: "3" } }));
    expect(metadata).toBe('{"a":"3","\uffee":"2","\u{1f600}":"1"}');
  });
});

async function readAll(topic: string, count: number): Promise<{ id: string; key: string | undefined; payload: string; metadata: Record<string, string> }[]> {
  const subscription = await pubsub.subscribe(topic);
  const found: { id: string; key: string | undefined; payload: string; metadata: Record<string, string> }[] = [];
  for await (const message of subscription) {
    found.push({ id: message.id, key: message.key, payload: hex(message.payload), metadata: Object.fromEntries(message.metadata) });
    message.ack();
    if (found.length === count) break;
  }
  await subscription.close();
  return found;
}

describe("rows of other writers", () => {
  for (const [index, { name, input, output }] of golden.decode.entries()) {
    const expected = output as unknown as string | { uuid: string; payloadHex: string; metadata: Record<string, string> | null };
    it(typeof expected === "string" ? `steps over, and delivers what is behind: ${name}` : `reads what Watermill reads: ${name}`, async () => {
      const topic = `decode-${index}`;
      await pubsub.provision(topic);
      const values = (input as Record<string, string>)["insert (uuid, created_at, payload, metadata) values"];
      database.exec(`INSERT INTO "watermill_${topic}" (uuid, created_at, payload, metadata) VALUES ${values}`);
      await pubsub.publish(topic, new Message("marker", { id: "marker" }));
      const found = await readAll(topic, typeof expected === "string" ? 1 : 2);
      if (typeof expected === "string") expect(found.map(({ id }) => id)).toEqual(["marker"]);
      else expect(found[0]).toMatchObject({ id: expected.uuid, payload: expected.payloadHex, metadata: expected.metadata ?? {} });
    });
  }
});

describe("tables", () => {
  for (const { input, output } of golden.statements) {
    const { topic } = input as { topic: string };
    it(`makes the tables that Watermill makes: ${topic}`, async () => {
      await pubsub.publish(topic, new Message("x"));
      for (const { table, sql } of output as unknown as readonly { table: string; sql: string }[]) {
        expect(database.prepare("SELECT sql FROM sqlite_schema WHERE name = ?").get(table)).toMatchObject({ sql });
      }
    });
  }

  for (const { name, input, error } of golden.behaviour.filter(({ name }) => name === "publish to topic name")) {
    const topic = input as string;
    // The contract refuses an empty topic on every broker; Watermill takes it.
    it(`${name} ${JSON.stringify(topic)}: ${error === undefined && topic !== "" ? "accepted" : "refused"}`, async () => {
      const publish = pubsub.publish(topic, new Message("x"));
      if (error === undefined && topic !== "") await publish;
      else await expect(publish).rejects.toBeInstanceOf(OptionError);
    });
  }

  it("refuses a topic whose messages would lie in another topic's offsets table", async () => {
    await expect(pubsub.publish("offsets_events", new Message("x"))).rejects.toMatchObject({ code: "BAD_TOPIC" });
  });

  it("moves the group's row as Watermill does through the life of a subscription", async () => {
    const topic = "life";
    const {
      output: { afterAll: last, afterSubscribe },
    } = golden.behaviour.find(({ name }) => name.startsWith("offsets table")) as unknown as {
      readonly output: {
        afterAll: readonly Record<string, unknown>[];
        afterSubscribe: readonly Record<string, unknown>[];
      };
    };
    const rows = (): unknown[] =>
      database
        .prepare(`SELECT consumer_group, offset_acked, CAST(locked_until AS TEXT) AS locked_until FROM watermill_offsets_${topic}`)
        .all()
        .map((row) => ({ ...(row as object) }));
    await pubsub.publish(topic, [new Message("1"), new Message("2"), new Message("3")]);
    expect(rows()).toEqual([]);
    const subscription = await pubsub.subscribe(topic, { group: "default" });
    expect(rows()).toEqual(afterSubscribe);
    const iterator = subscription[Symbol.asyncIterator]();
    const first = await iterator.next();
    first.value?.ack();
    const second = await iterator.next();
    await subscription.flush();
    const [held] = rows() as [{ offset_acked: number; locked_until: string }];
    expect(held.offset_acked).toBe(1);
    // Whole seconds, as Watermill compares them: no member of its own takes the group meanwhile.
    expect(Number(held.locked_until)).toBeGreaterThan(Date.now() / 1000);
    second.value?.ack();
    (await iterator.next()).value?.ack();
    await subscription.flush();
    expect(rows()).toEqual(last);
    await subscription.close();
    expect(rows()).toEqual(last);
  });
});
