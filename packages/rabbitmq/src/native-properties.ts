import { type Native, nativeOf } from "millrace/adapter";
import type { WireProperties } from "./codec.ts";
import { headerText } from "./header-text.ts";
import { isOwnHeader } from "./own-headers.ts";

const FAMILY = "rabbitmq";

/** What a publisher of a message says beside its headers. A user's id is left out, which the broker takes from that user alone. */
const NAMES: readonly (keyof WireProperties)[] = [
  ...(["type", "contentType", "contentEncoding", "correlationId", "priority"] as const),
  ...(["replyTo", "expiration", "messageId", "timestamp", "appId"] as const),
];

type Named = Readonly<Record<string, unknown>>;

/** What only RabbitMQ knows of a message: its properties, and headers that are no text. */
export class NativeProperties implements Native {
  readonly family: string = FAMILY;
  readonly named: Named;
  readonly headers: Readonly<Record<string, unknown>>;

  constructor(named: Named, headers: Readonly<Record<string, unknown>>) {
    this.named = named;
    this.headers = headers;
  }

  /** Of the properties of a message that was received. */
  static of(properties: object): NativeProperties {
    const { headers = {}, ...given } = properties as Named & { readonly headers?: Readonly<Record<string, unknown>> | undefined };
    const named = Object.fromEntries(NAMES.filter((name) => given[name] !== undefined).map((name) => [name, given[name]]));
    return new NativeProperties(named, Object.fromEntries(Object.entries(headers).filter(([name, value]) => typeof value !== "string" && !isOwnHeader(name))));
  }

  text(): string | undefined {
    const { named, headers } = this;
    if (Object.keys(named).length === 0 && Object.keys(headers).length === 0) return undefined;
    return JSON.stringify({ named, headers: toJson(headers) });
  }
}

/**
 * The properties of a message that is published, with those that it came with from RabbitMQ: what its codec does not say, and the types of
 * headers that still say the same.
 */
export function withNativeProperties(message: object, properties: WireProperties): WireProperties {
  const native = nativeOf(message);
  if (native?.family !== FAMILY) return properties;
  const { named, headers } = native instanceof NativeProperties ? native : readText(native.text());
  for (const name in headers) {
    if (Object.hasOwn(properties.headers ?? {}, name) && properties.headers[name] === headerText(headers[name])) properties.headers[name] = headers[name];
  }
  return { ...(named as WireProperties), ...properties };
}

function readText(text: string | undefined): NativeProperties {
  try {
    const { named, headers } = JSON.parse(text ?? "{}") as { readonly named?: Named; readonly headers?: unknown };
    return new NativeProperties(named ?? {}, (fromJson(headers ?? {}) ?? {}) as Record<string, unknown>);
  } catch {
    return new NativeProperties({}, {}); // another writer's
  }
}

/** Bytes are the one thing in headers that JSON has no word for; amqplib's own way to say types is kept. */
function toJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return { "!": "bytes", value: Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64") };
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, toJson(entry)]));
}

function fromJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromJson);
  if (typeof value !== "object" || value === null) return value;
  const { "!": type, value: text } = value as { readonly "!"?: unknown; readonly value?: unknown };
  if (type === "bytes" && typeof text === "string") return Buffer.from(text, "base64");
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, fromJson(entry)]));
}
