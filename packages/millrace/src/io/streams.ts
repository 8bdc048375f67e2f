/** The parts of Node's and of the web's streams that are used, so that either fits whatever types a project has. */

/** A Node `Readable`: a pipe, a socket, `process.stdin`. */
export interface NodeReadable {
  read(): unknown;
  on(event: string, listener: (error?: unknown) => void): unknown;
  removeListener(event: string, listener: (error?: unknown) => void): unknown;
  readonly readableEnded?: boolean;
  readonly destroyed?: boolean;
  readonly errored?: unknown;
  readonly readableFlowing?: boolean | null;
  pause?(): unknown;
}

/** A `ReadableStream` of bytes. */
export interface WebReadable {
  getReader(): { read(): Promise<{ readonly done: boolean; readonly value?: unknown }>; releaseLock(): void };
}

export type ByteReadable = NodeReadable | WebReadable | AsyncIterable<Uint8Array | string>;

/** A Node `Writable`. */
export interface NodeWritable {
  write(chunk: Uint8Array, callback: (error?: Error | null) => void): boolean;
  end(callback: () => void): unknown;
  on(event: string, listener: (error?: unknown) => void): unknown;
  removeListener(event: string, listener: (error?: unknown) => void): unknown;
  cork?(): void;
  uncork?(): void;
  readonly writable?: boolean;
  readonly errored?: unknown;
  readonly writableHighWaterMark?: number;
}

/** A `WritableStream` of bytes. */
export interface WebWritable {
  getWriter(): { readonly ready: Promise<unknown>; write(chunk: Uint8Array): Promise<void>; close(): Promise<void>; releaseLock(): void };
}

export type ByteWritable = NodeWritable | WebWritable;

export function isNodeReadable(stream: unknown): stream is NodeReadable {
  return hasMethods(stream, ["read", "on", "removeListener"]);
}

export function isWebReadable(stream: unknown): stream is WebReadable {
  return hasMethods(stream, ["getReader"]);
}

export function isReadable(stream: unknown): stream is ByteReadable {
  return (
    isNodeReadable(stream) || isWebReadable(stream) || typeof (stream as { [Symbol.asyncIterator]?: unknown } | null)?.[Symbol.asyncIterator] === "function"
  );
}

export function isWebWritable(stream: unknown): stream is WebWritable {
  return hasMethods(stream, ["getWriter"]);
}

export function isWritable(stream: unknown): stream is ByteWritable {
  return isWebWritable(stream) || hasMethods(stream, ["write", "end", "on", "removeListener"]);
}

function hasMethods(stream: unknown, names: readonly string[]): boolean {
  return typeof stream === "object" && stream !== null && names.every((name) => typeof (stream as Record<string, unknown>)[name] === "function");
}
