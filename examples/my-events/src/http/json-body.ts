import type { IncomingMessage } from "node:http";
import { Problem } from "./problem.ts";

/** The most a body may hold, in bytes. */
export const BODY_LIMIT: number = 1_048_576;
/** How much of a body that is too large is read and thrown away, so that the client gets to read the answer. */
const DISCARD_LIMIT = 16 * BODY_LIMIT;

/** The body parsed as JSON. Throws the problem that stands in its way: 415, 413 or 400. */
export async function jsonBody(incoming: IncomingMessage): Promise<unknown> {
  requireJson(incoming);
  const bytes = await readBody(incoming);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch (error) {
    throw new Problem("malformed", `the body is not JSON: ${(error as Error).message}`);
  }
}

function requireJson(incoming: IncomingMessage): void {
  const type = incoming.headers["content-type"] ?? "";
  const [media = "", ...parameters] = type
    .toLowerCase()
    .split(";")
    .map((part) => part.trim());
  const charset = parameters
    .find((parameter) => parameter.startsWith("charset="))
    ?.slice("charset=".length)
    .replaceAll('"', "");
  const encoding = incoming.headers["content-encoding"] ?? "identity";
  if (!/^application\/([^/]+\+)?json$/.test(media) || (charset !== undefined && charset !== "utf-8" && charset !== "utf8")) {
    throw new Problem("unsupported_media_type", `the body must be application/json in UTF-8, not ${type === "" ? "without a content-type" : type}`);
  }
  if (encoding !== "identity") throw new Problem("unsupported_media_type", `the body must not be encoded (${encoding})`);
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // Leaving early must not destroy the stream: the answer goes out over the same socket.
    for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size <= BODY_LIMIT) chunks.push(chunk);
      else chunks.length = 0;
      if (size > DISCARD_LIMIT) break;
    }
  } catch (error) {
    throw new Problem("malformed", `the body ended early: ${(error as Error).message}`);
  }
  if (size > BODY_LIMIT) throw new Problem("too_large", `the body holds more than ${BODY_LIMIT} bytes`, { headers: { connection: "close" } });
  return Buffer.concat(chunks);
}
