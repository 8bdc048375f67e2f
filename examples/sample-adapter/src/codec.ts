import { type Message, metadata } from "millrace";
import { Received, TextMap } from "millrace/adapter";
import type { ToyEntry } from "./toy-source.ts";

/** The wire format: one JSON text a message. It escapes what a key has in place of bytes that are no UTF-8, so these come back too. */
export function encode(message: Message): string {
  const { id, key, payload } = message;
  return JSON.stringify({ id, key, payload: Buffer.from(payload).toString("base64"), metadata: [...message.metadata] });
}

/** Throws for bytes that are not ours; the subscription then steps over them, visibly. */
export function decode(record: ToyEntry): Received<ToyEntry> {
  const wire = JSON.parse(record.bytes) as { id: string; key?: string; payload: string; metadata: [string, string][] };
  const payload = new Uint8Array(Buffer.from(wire.payload, "base64"));
  return new Received({ source: { id: wire.id }, key: wire.key, payload, metadata: new TextMap(metadata(wire.metadata)) }, record);
}
