import { isText, OptionCheck, shown } from "../options/index.ts";
import type { Message } from "./message.ts";

/** True for what can be published: a message of this library, of another copy of it, or of an adapter's own. */
export function isMessage(value: unknown): value is Message {
  const message = value as Partial<Message> | null | undefined;
  return message?.payload instanceof Uint8Array && typeof message.copy === "function";
}

/** Checks what a user gave to `publish`; throws an `OptionError` that lists everything that is wrong, which a publisher rejects with. */
export function checkPublish(subject: string, topic: unknown, messages: readonly unknown[], options?: unknown): void {
  const bad = firstBad(messages);
  // Every publish comes here: nothing is made for one that is right.
  if (bad === -1 && options === undefined && isText(topic)) return;
  const check = new OptionCheck(`${subject}.publish`).required("topic", topic).text("topic", topic);
  check.that(bad === -1, `messages[${bad}] must be a Message, got ${shown(messages[bad])}`);
  if (options !== undefined) checkPublishOptions(check, options);
  check.done();
}

function firstBad(messages: readonly unknown[]): number {
  for (let index = 0; index < messages.length; index++) if (!isMessage(messages[index])) return index;
  return -1;
}

function checkPublishOptions(check: OptionCheck, options: unknown): void {
  const given = typeof options === "object" && options !== null;
  check.that(given, "options must be an object");
  if (given) check.methods("options.signal", (options as { readonly signal?: unknown }).signal, ["addEventListener", "throwIfAborted"]);
}
