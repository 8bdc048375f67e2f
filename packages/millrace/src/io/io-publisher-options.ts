import { OptionCheck, type OptionNames } from "../options/index.ts";
import type { Framing } from "./framing.ts";
import type { RecordMarshaler } from "./record-marshaler.ts";
import { type ByteWritable, isWritable } from "./streams.ts";

/** One of `output` and `file`. */
export interface IoPublisherOptions {
  /** A Node `Writable` or a `WritableStream`. */
  readonly output?: ByteWritable | undefined;
  /** Path of a file to append to; it is made when needed. */
  readonly file?: string | undefined;
  /** Ends the stream when the publisher closes. Default false. */
  readonly end?: boolean | undefined;
  /** Confirms when the file's bytes are on the disk. Default false: when the system has them. */
  readonly sync?: boolean | undefined;
  /** Default `lines()`. */
  readonly framing?: Framing | undefined;
  /** Default `payload`: a record is a payload. */
  readonly marshaler?: RecordMarshaler | undefined;
  /** How long a publish may wait for the stream. Default 30,000. */
  readonly publishTimeoutMs?: number | undefined;
  /** Records that may wait; a call beyond that is refused with `BUFFER_FULL`. Default 100,000. */
  readonly maxWaiting?: number | undefined;
}

export const IO_PUBLISHER_DEFAULTS: { readonly publishTimeoutMs: number; readonly maxWaiting: number } = Object.freeze({
  publishTimeoutMs: 30_000,
  maxWaiting: 100_000,
});

const NAMES: OptionNames<IoPublisherOptions> = {
  output: true,
  file: true,
  end: true,
  sync: true,
  framing: true,
  marshaler: true,
  publishTimeoutMs: true,
  maxWaiting: true,
};

export function checkIoPublisher(options: IoPublisherOptions): void {
  const check = new OptionCheck("IoPublisher").known(options, NAMES);
  const { output, file, end, sync, framing, marshaler, publishTimeoutMs, maxWaiting } = options;
  check
    .that((output === undefined) !== (file === undefined), "either output or file must be given")
    .that(output === undefined || isWritable(output), "output must be a Node Writable or a WritableStream")
    .text("file", file)
    .flag("end", end)
    .that(end === undefined || output !== undefined, "end needs output: a file is always closed")
    .flag("sync", sync)
    .that(sync === undefined || file !== undefined, "sync needs file")
    .methods("framing", framing, ["frame", "splitter"])
    .methods("marshaler", marshaler, ["marshal", "unmarshal"])
    .duration("publishTimeoutMs", publishTimeoutMs, { min: 1 })
    .integer("maxWaiting", maxWaiting, { min: 1 })
    .done();
}
