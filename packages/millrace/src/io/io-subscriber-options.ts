import { checkSharedOptions, OptionCheck, type OptionNames } from "../adapter/index.ts";
import type { Logger } from "../logger/index.ts";
import type { Framing } from "./framing.ts";
import type { RecordMarshaler } from "./record-marshaler.ts";
import { type ByteReadable, isReadable } from "./streams.ts";

/** One of `input` and `file`. */
export interface IoSubscriberOptions {
  /** A Node or web stream, or an async iterable of bytes or texts. Not closed by the subscriber. */
  readonly input?: ByteReadable | undefined;
  /** Path of a file. Each subscription opens it for itself. */
  readonly file?: string | undefined;
  /** Reads a file on as it grows, as `tail -F` does, instead of ending at its end. Default false. */
  readonly follow?: boolean | undefined;
  /** How often a followed file is looked at, in milliseconds. Default 100. */
  readonly pollMs?: number | undefined;
  /** Default `lines()`. */
  readonly framing?: Framing | undefined;
  /** Default `payload`: a record is a payload. */
  readonly marshaler?: RecordMarshaler | undefined;
  /** A longer record is stepped over as undecodable. Default 16 MiB. */
  readonly maxRecordBytes?: number | undefined;
  /** Most messages held ahead. Default 1000. */
  readonly prefetch?: number | undefined;
  /** Most payload bytes held ahead. Default 32 MiB. */
  readonly prefetchBytes?: number | undefined;
  /** Most messages that failed or wait behind a failed one. Default 1000. */
  readonly parkLimit?: number | undefined;
  /** Default: warnings and errors, one line each on standard error. */
  readonly logger?: Logger | undefined;
}

export const IO_SUBSCRIBER_DEFAULTS: { readonly pollMs: number; readonly maxRecordBytes: number } = Object.freeze({
  pollMs: 100,
  maxRecordBytes: 16 * 1024 * 1024,
});

const NAMES: OptionNames<IoSubscriberOptions> = {
  input: true,
  file: true,
  follow: true,
  pollMs: true,
  framing: true,
  marshaler: true,
  maxRecordBytes: true,
  prefetch: true,
  prefetchBytes: true,
  parkLimit: true,
  logger: true,
};

export function checkIoSubscriber(options: IoSubscriberOptions): void {
  const check = new OptionCheck("IoSubscriber").known(options, NAMES);
  const { input, file, follow, pollMs, framing, marshaler, maxRecordBytes } = options;
  check
    .that((input === undefined) !== (file === undefined), "either input or file must be given")
    .that(input === undefined || isReadable(input), "input must be a Node Readable, a ReadableStream or an async iterable")
    .text("file", file)
    .flag("follow", follow)
    .that(follow !== true || file !== undefined, "follow needs file")
    .duration("pollMs", pollMs, { min: 1 })
    .methods("framing", framing, ["frame", "splitter"])
    .methods("marshaler", marshaler, ["marshal", "unmarshal"])
    .integer("maxRecordBytes", maxRecordBytes, { min: 1 });
  checkSharedOptions(check, options).done();
}
