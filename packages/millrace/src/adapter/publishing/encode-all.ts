import { MillraceError } from "../../errors/index.ts";
import type { Message } from "../../message/index.ts";
import { refusal } from "./publish-error.ts";

/** What all the messages of a call become on the wire, or a `PublishError` that rejects all of them: `UNENCODABLE`, or the code of what `encode` throws. */
export function encodeAll<Item>(topic: string, messages: readonly Message[], codec: { encode(topic: string, message: Message): Item }): Item[] {
  const items: Item[] = new Array(messages.length);
  try {
    for (let index = 0; index < items.length; index++) items[index] = codec.encode(topic, messages[index] as Message);
  } catch (error) {
    const known = MillraceError.is(error) ? error : new MillraceError((error as Error).message, { code: "UNENCODABLE", cause: error });
    throw refusal(known, items.length);
  }
  return items;
}
