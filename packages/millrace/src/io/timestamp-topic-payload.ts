import { wallMs } from "../internal/timers.ts";
import { Message } from "../message/index.ts";
import type { RecordMarshaler } from "./record-marshaler.ts";

const TIMESTAMP = /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?\] /;

/**
 * `[2026-01-31 17:05:09.25] topic: payload`, for people to read; the time is this machine's. As Watermill's
 * `TimestampTopicPayloadMarshalFunc`. Reading takes the topic up to the first `": "`; id, key and metadata are lost.
 */
export const timestampTopicPayload: RecordMarshaler = Object.freeze({
  marshal: (topic: string, message: Message) => Buffer.concat([Buffer.from(`[${timestamp(new Date(wallMs()))}] ${topic}: `), message.payload]),
  unmarshal: (record: Uint8Array) => {
    const bytes = Buffer.from(record.buffer, record.byteOffset, record.length);
    const [prefix] = TIMESTAMP.exec(bytes.subarray(0, 40).toString("latin1")) ?? [];
    const end = prefix === undefined ? -1 : bytes.indexOf(": ", prefix.length);
    if (prefix === undefined || end === -1) throw new TypeError("the record does not begin with a time and a topic");
    return { topic: bytes.subarray(prefix.length, end).toString(), message: new Message(record.subarray(end + 2)) };
  },
});

/** As Go formats with "2006-01-02 15:04:05.999999999": zeros at the end of the fraction are left out, and so is a fraction of 0. */
function timestamp(date: Date): string {
  const two = (part: number): string => String(part).padStart(2, "0");
  const day = `${String(date.getFullYear()).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const fraction = String(date.getMilliseconds()).padStart(3, "0").replace(/0+$/, "");
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}${fraction === "" ? "" : `.${fraction}`}`;
}
