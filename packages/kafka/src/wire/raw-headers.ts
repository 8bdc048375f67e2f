import { type Native, nativeOf } from "millrace/adapter";

/** A header as it is on the wire: names and values are bytes, names may repeat, a value may be null. */
export type RawHeader = readonly [name: Buffer, value: Buffer | null];

const FAMILY = "kafka";

/** What only Kafka knows of a message: its headers byte for byte. */
export class RawHeaders implements Native {
  readonly family: string = FAMILY;
  readonly headers: readonly RawHeader[];

  constructor(headers: readonly RawHeader[]) {
    this.headers = headers;
  }

  /** Nothing where every header is a text of a name of its own, as metadata have it. */
  text(): string | undefined {
    const names = new Set(this.headers.map(([name]) => name.toString()));
    if (names.size === this.headers.length && this.headers.every(([name, value]) => isText(name) && value !== null && isText(value))) return undefined;
    return JSON.stringify(this.headers.map(([name, value]) => [name.toString("base64"), value === null ? null : value.toString("base64")]));
  }
}

/** The headers that a message came with from Kafka, also by a way through an outbox. */
export function rawHeadersOf(message: object): readonly RawHeader[] | undefined {
  const native = nativeOf(message);
  if (native?.family !== FAMILY) return undefined;
  return native instanceof RawHeaders ? native.headers : readText(native.text());
}

function readText(text: string | undefined): readonly RawHeader[] | undefined {
  try {
    const entries = JSON.parse(text ?? "null") as readonly (readonly [string, string | null])[] | null;
    return entries?.map(([name, value]) => [Buffer.from(name, "base64"), value === null ? null : Buffer.from(value, "base64")]);
  } catch {
    return undefined; // another writer's: metadata say what there is
  }
}

function isText(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString()).equals(bytes);
}
