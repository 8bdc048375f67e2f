import type { Mutant } from "../mutant.ts";

/** Messages, their keys and metadata, dead letters. */
export const MESSAGE: readonly Mutant[] = [
  {
    promise: "a key's text is as good as its bytes",
    file: "packages/millrace/src/message/key-bytes.ts",
    find: "    if (isEscape(code)) bytes.push(code - ESCAPE);\n    else bytes.push",
    put: "    bytes.push",
    caughtBy: { file: "packages/millrace/src/message/key-bytes.test.ts", title: "of any bytes comes back from its text" },
  },
  {
    promise: "two different keys never become one",
    file: "packages/millrace/src/message/key-bytes.ts",
    find: 'new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })',
    put: 'new TextDecoder("utf-8", { fatal: false, ignoreBOM: true })',
    caughtBy: { file: "packages/millrace/src/message/key-bytes.test.ts", title: "has another text when its bytes are others" },
  },
  {
    promise: "a byte order mark is part of a key",
    file: "packages/millrace/src/message/key-bytes.ts",
    find: "{ fatal: true, ignoreBOM: true }",
    put: "{ fatal: true }",
    caughtBy: {
      file: "packages/millrace/src/message/key-bytes.test.ts",
      title: "given as text has the bytes of its UTF-8 and is that text, also with a byte order mark or NUL in it, and when it is empty",
    },
  },
  {
    promise: "half a character is refused as a key",
    file: "packages/millrace/src/message/key-bytes.ts",
    find: "if (code >= 0xd800 && code <= 0xdfff && !isEscape(code)) return undefined;",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/message/message.test.ts",
      title: "is refused as a key that holds half a character, which would be one with others of its kind",
    },
  },
  {
    promise: "a copy keeps what is native to a broker",
    file: "packages/millrace/src/message/message.ts",
    find: "return withNative(copy, nativeOf(message));",
    put: "return copy;",
    caughtBy: { file: "packages/millrace/src/message/native.test.ts", title: "goes through memory" },
  },
  {
    promise: "a copy keeps the id",
    file: "packages/millrace/src/message/message.ts",
    find: 'id: "id" in changes ? changes.id : message.id,',
    put: "id: changes.id,",
    caughtBy: {
      file: "packages/millrace/src/message/message.test.ts",
      title: "is copied into a fresh one: id, key and metadata are kept unless changed, and not shared",
    },
  },
  {
    promise: "a copy's metadata are its own",
    file: "packages/millrace/src/message/metadata.ts",
    find: "if (this.#entries === undefined || this.#shared) this.#entries",
    put: "if (this.#entries === undefined) this.#entries",
    caughtBy: {
      file: "packages/millrace/src/message/metadata-copies.test.ts",
      title: "copies of metadata are independent of one another, whichever is written to, however they were copied",
    },
  },
  {
    promise: "JSON that cannot be read is never tried again",
    file: "packages/millrace/src/message/message.ts",
    find: "    throw new PermanentError(`message ${message.id} does not hold JSON",
    put: "    throw new Error(`message ${message.id} does not hold JSON",
    caughtBy: {
      file: "packages/millrace/src/message/message.test.ts",
      title: "refuses with a PermanentError INVALID_PAYLOAD that names every field, sync and async, or what is no JSON",
    },
  },
  {
    promise: "a dead letter is not delayed",
    file: "packages/millrace/src/message/dead-letter.ts",
    find: "if (!keepsDelay) for",
    put: "if (keepsDelay) for",
    caughtBy: { file: "packages/millrace/src/message/dead-letter.test.ts", title: "is not delayed itself, unless it is to be" },
  },
  {
    promise: "a dead letter's reason is bounded",
    file: "packages/millrace/src/message/reason-text.ts",
    find: "const MOST_BYTES = 4_096;",
    put: "const MOST_BYTES = 40_960;",
    caughtBy: {
      file: "packages/millrace/src/message/dead-letter.test.ts",
      title: "takes for the reason whatever was thrown, in at most 4,096 bytes of valid text",
    },
  },
  {
    promise: "a dead letter tells only of the last failure",
    file: "packages/millrace/src/message/dead-letter.ts",
    find: "for (const key of KEYS) told.delete(key);",
    put: "",
    caughtBy: { file: "packages/millrace/src/message/dead-letter.test.ts", title: "replaces all that an earlier dead letter told" },
  },
  {
    promise: "a transform that throws hides nothing",
    file: "packages/millrace/src/message/transform-subscriber.ts",
    find: "message.nack({ delayMs: this.#delayMs(message), reason, uncounted: true });",
    put: "message.ack();",
    caughtBy: {
      file: "packages/millrace/src/message/transform-subscriber.test.ts",
      title: "gives a message whose transform throws back and hands it out again later, uncounted, with others in between",
    },
  },
  {
    promise: "a transform that throws costs no attempt",
    file: "packages/millrace/src/message/transform-subscriber.ts",
    find: "reason, uncounted: true });",
    put: "reason });",
    caughtBy: {
      file: "packages/millrace/src/message/transform-subscriber.test.ts",
      title: "waits longer each time for a message whose transform keeps throwing, and costs it none of its handler's attempts",
    },
  },
  {
    promise: "a transform of what is published does not touch the caller's message",
    file: "packages/millrace/src/message/transform-publisher.ts",
    find: "const copy = message.copy();",
    put: "const copy = message;",
    caughtBy: {
      file: "packages/millrace/src/message/transform-publisher.test.ts",
      title: "publishes changed copies in order, in one call, and leaves the caller's messages alone",
    },
  },
  {
    promise: "Go's durations are read as Go reads them",
    file: "packages/millrace/src/message/go-duration.ts",
    find: 'if (body === "0") return 0;',
    put: "",
    caughtBy: { file: "packages/millrace/src/message/go-duration.test.ts", title: "reads everything that Go reads" },
  },
];
