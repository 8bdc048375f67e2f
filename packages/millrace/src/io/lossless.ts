import { fromBase64, toBase64 } from "../adapter/base64.ts";
import { goJsonMap, goJsonText } from "../adapter/go-json.ts";
import { Message } from "../message/index.ts";
import type { RecordMarshaler } from "./record-marshaler.ts";

/**
 * The whole message as one line of JSON: `{"topic":…,"uuid":…,"key":…,"metadata":{…},"payload":"base64"}`; `key` only when there
 * is one. Reading brings back everything, and a subscription gets only the records of its topic.
 */
export const lossless: RecordMarshaler = Object.freeze({
  marshal: (topic: string, message: Message) => {
    const key = message.key === undefined ? "" : `,"key":${goJsonText(message.key)}`;
    return Buffer.from(
      `{"topic":${goJsonText(topic)},"uuid":${goJsonText(message.id)}${key},"metadata":${goJsonMap(message.metadata)},"payload":"${toBase64(message.payload)}"}`,
    );
  },
  unmarshal: (record: Uint8Array) => {
    const value: unknown = JSON.parse(Buffer.from(record.buffer, record.byteOffset, record.length).toString());
    if (typeof value !== "object" || value === null) throw new TypeError("the record is not a JSON object");
    const { topic, uuid, key, metadata, payload: text } = value as Readonly<Record<string, unknown>>;
    const payload = typeof text === "string" ? fromBase64(text) : undefined;
    if (payload === undefined) throw new TypeError("payload is not base64");
    if (!optionalText(topic) || !optionalText(uuid) || !optionalText(key)) throw new TypeError("topic, uuid and key must be texts");
    if (metadata !== undefined && (typeof metadata !== "object" || metadata === null)) throw new TypeError("metadata is not an object");
    return { topic, message: new Message(payload, { id: uuid, key, metadata: metadata as Readonly<Record<string, string>> | undefined }) };
  },
});

function optionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === "string";
}
