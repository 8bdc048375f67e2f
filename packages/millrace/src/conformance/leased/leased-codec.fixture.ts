import { isBinaryKey, Received, TextMap } from "../../adapter/index.ts";
import { type Message, metadata } from "../../message/index.ts";
import type { Flaw } from "./flaws.fixture.ts";
import type { Lent } from "./leased-broker.fixture.ts";

interface Wire {
  readonly id: string;
  readonly key?: string;
  readonly payload: string;
  readonly metadata: [string, string][];
}

export function encode(message: Message, flaws: ReadonlySet<Flaw>): string {
  const { id, payload } = message;
  const key = flaws.has("makes text of key bytes") && message.key !== undefined && isBinaryKey(message.key) ? "�" : message.key;
  return JSON.stringify({ id, key, payload: Buffer.from(payload).toString("base64"), metadata: [...message.metadata] });
}

/** Throws for bytes that are no record of ours. */
export function decode<Entry extends Lent>(entry: Entry, flaws: ReadonlySet<Flaw>): Received<Entry> {
  const wire = JSON.parse(entry.bytes) as Wire;
  const payload = new Uint8Array(Buffer.from(wire.payload, "base64"));
  const entries = flaws.has("loses metadata") ? [] : wire.metadata;
  const attempt = flaws.has("counts an attempt for what was given back") && entry.source === "given back" ? 2 : 1;
  return new Received({ source: { id: wire.id }, key: wire.key, payload, metadata: new TextMap(metadata(entries)) }, entry, attempt);
}
