import { fromBase64, toBase64 } from "../adapter/base64.ts";
import { goJsonMap, goJsonText } from "../adapter/go-json.ts";
import { Message } from "../message/index.ts";
import { isBinaryKey, keyBytes } from "../message/key-bytes.ts";
import type { RecordMarshaler } from "./record-marshaler.ts";

/**
 * The whole message as one line of JSON: `{"topic":…,"uuid":…,"key":…,"metadata":{…},"payload":"base64"}`; `key` only when there
 * is one, and `key_base64` in its place for one whose bytes are no UTF-8. Reading brings back everything, and a subscription gets only the records of its topic.
 */
export const lossless: RecordMarshaler = Object.freeze({
  marshal: (topic: string, message: Message) => {
    const key = message.key === undefined ? "" : keyField(message.key);
    return Buffer.from(
      `{"topic":${goJsonText(topic)},"uuid":${goJsonText(message.id)}${key},"metadata":${goJsonMap(message.metadata)},"payload":"${toBase64(message.payload)}"}`,
    );
  },
  unmarshal: (record: Uint8Array) => {
    const value: unknown = JSON.parse(Buffer.from(record.buffer, record.byteOffset, record.length).toString());
    if (typeof value !== "object" || value === null) throw new TypeError("the record is not a JSON object");
    const { topic, uuid, key: keyText, key_base64: keyBase64, metadata, payload: text } = value as Readonly<Record<string, unknown>>;
    const payload = typeof text === "string" ? fromBase64(text) : undefined;
    if (payload === undefined) throw new TypeError("payload is not base64");
    if (!optionalText(topic) || !optionalText(uuid) || !optionalText(keyText)) throw new TypeError("topic, uuid and key must be texts");
    const key = keyBase64 === undefined ? keyText?.toWellFormed() : typeof keyBase64 === "string" ? fromBase64(keyBase64) : undefined;
    if (key === undefined && keyBase64 !== undefined) throw new TypeError("key_base64 is not base64");
    if (metadata !== undefined && (typeof metadata !== "object" || metadata === null)) throw new TypeError("metadata is not an object");
    return { topic, message: new Message(payload, { id: uuid, key, metadata: metadata as Readonly<Record<string, string>> | undefined }) };
  },
});

function keyField(key: string): string {
  return isBinaryKey(key) ? `,"key_base64":"${toBase64(keyBytes(key))}"` : `,"key":${goJsonText(key)}`;
}

function optionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === "string";
}
