import type { Capabilities } from "../message/index.ts";
import { lossless } from "./lossless.ts";
import type { RecordMarshaler } from "./record-marshaler.ts";

/** What is promised of a file, or of a stream. Of marshalers only `lossless` is known to carry keys. */
export function ioCapabilities(of: { readonly file: boolean; readonly durable: boolean; readonly marshaler: RecordMarshaler | undefined }): Capabilities {
  return Object.freeze<Capabilities>({
    durable: of.durable,
    replay: of.file,
    // A group has one subscription at a time.
    consumerGroups: false,
    groupless: true,
    ordering: "one-member",
    keys: of.marshaler === lossless,
    nativeDelay: false,
    redelivers: true,
    attemptsSurviveCrash: false,
    transactionalPublish: false,
    deduplicatesPublish: false,
    maxPublishDelayMs: 0,
    maxHandlingMs: Infinity,
    stability: "beta",
  });
}
