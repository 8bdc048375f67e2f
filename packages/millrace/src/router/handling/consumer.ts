import { asPromise } from "../../message/after.ts";
import { type Handler, isPromise, type Message, type Produced } from "../../message/index.ts";

/** A consumer's handler, as middleware calls it. */
export function consumer(handle: Handler): Handler {
  return (message) => {
    const result = handle(message);
    if (result === undefined) return undefined;
    return isPromise(result) ? asPromise(result).then(onlyMessages) : onlyMessages(result);
  };
}

/**
 * TypeScript lets a consumer return anything (`(m) => list.push(m)`): that is dropped, unless it is messages, which somebody expected to
 * be published.
 */
export function onlyMessages(result: Produced): Produced {
  const first = Array.isArray(result) ? result[0] : result;
  return (first as Partial<Message> | undefined | null)?.payload instanceof Uint8Array ? result : undefined;
}
