import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { dispatch } from "./dispatch.ts";
import { Problem } from "./problem.ts";
import type { Reply } from "./reply.ts";
import type { Route } from "./route.ts";

/** How long requests under way may take when the server closes. */
const GRACE_MS = 3_000;

export interface ServeOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly onError?: ((error: unknown) => void) | undefined;
}

export interface Serving {
  readonly url: string;
  readonly port: number;
  /** Stops accepting, lets requests under way end, then cuts what is left. */
  close(): Promise<void>;
}

/** Serves routes over HTTP. Rejects with the system's error (`EADDRINUSE`, …) when it cannot listen. */
export async function serve(routes: readonly Route[], options: ServeOptions): Promise<Serving> {
  const onError = options.onError ?? (() => {});
  const server = createServer((incoming, response) => void answer(routes, incoming, response, onError));
  server.on("clientError", (_error, socket) => {
    if (!socket.writable) return;
    const body = JSON.stringify(new Problem("malformed", "this is not HTTP").document());
    socket.end(`HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  return {
    port,
    url: `http://${shown(options.host)}:${port}`,
    close: () =>
      (closing ??= new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), GRACE_MS);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        server.closeIdleConnections();
      })),
  };
}

function shown(host: string): string {
  if (["127.0.0.1", "0.0.0.0", "::"].includes(host)) return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}

async function answer(routes: readonly Route[], incoming: IncomingMessage, response: ServerResponse, onError: (error: unknown) => void): Promise<void> {
  response.on("error", () => {}); // the client has gone away
  const url = incoming.url ?? "/";
  const question = url.indexOf("?");
  const path = question < 0 ? url : url.slice(0, question);
  const reply = await dispatch(routes, { incoming, path, query: question < 0 ? "" : url.slice(question + 1) }, onError);
  send(reply, incoming, response);
}

function send(reply: Reply, incoming: IncomingMessage, response: ServerResponse): void {
  if (reply.stream !== undefined && incoming.method !== "HEAD") {
    response.writeHead(reply.status, reply.headers);
    reply.stream(response);
    return;
  }
  const length = reply.body === undefined ? {} : { "content-length": String(Buffer.byteLength(reply.body)) };
  response.writeHead(reply.status, { ...reply.headers, ...length });
  response.end(incoming.method === "HEAD" ? undefined : reply.body);
}
