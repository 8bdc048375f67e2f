import { OptionError } from "../errors/index.ts";
import { shown } from "../options/index.ts";
import { delayProblems } from "./due-at.ts";
import { lastingKey } from "./key-bytes.ts";
import type { MessageOptions } from "./message-options.ts";

/** Everything that is wrong with what a message was to be made of. Asked only once something is: making messages must cost nothing. */
export function badMessage(payload: unknown, options: unknown, metadataError?: unknown): OptionError {
  const problems: string[] = [];
  if (typeof payload !== "string" && !(payload instanceof Uint8Array)) {
    problems.push(`payload must be a text or a Uint8Array, got ${shown(payload)}: Message.json(value) makes a message of any value that JSON can hold`);
  }
  if (typeof options === "object" && options !== null) problems.push(...optionProblems(options, metadataError));
  else if (options !== undefined) problems.push(`options must be an object such as { key: "o-1" }, got ${shown(options)}`);
  return new OptionError("Message", problems, { cause: metadataError });
}

function optionProblems(options: MessageOptions, metadataError: unknown): readonly string[] {
  const { id, key, topic, metadata }: { readonly [Name in keyof MessageOptions]: unknown } = options;
  const problems: string[] = [];
  if (id !== undefined && typeof id !== "string") problems.push(`id must be a text, got ${shown(id)}: String(id) makes one of a number`);
  else if (id !== undefined && !id.isWellFormed())
    problems.push("id must be whole characters, and has a lone surrogate: two such ids would be one on the wire");
  if (typeof key === "string" && lastingKey(key) === undefined)
    problems.push("key must be whole characters, and has a lone surrogate: cut it between characters, or give bytes");
  else if (key !== undefined && typeof key !== "string" && !(key instanceof Uint8Array)) {
    problems.push(`key must be a text or a Uint8Array, got ${shown(key)}: String(key) makes one of a number`);
  }
  if (topic !== undefined && typeof topic !== "string") problems.push(`topic must be a text, got ${shown(topic)}`);
  if (metadataError !== undefined)
    problems.push(`metadata must hold texts only: ${metadataError instanceof Error ? metadataError.message : String(metadataError)}`);
  else if (metadata !== undefined && (typeof metadata !== "object" || metadata === null)) {
    problems.push(`metadata must be an object of texts, a Map or pairs, got ${shown(metadata)}`);
  }
  return [...problems, ...delayProblems(options)];
}
