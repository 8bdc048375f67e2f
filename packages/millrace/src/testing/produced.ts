import { isPromise, type MaybePromise, type Message, type Produced, producedList } from "../message/index.ts";

/**
 * A handler's result as a list, whatever form it has: nothing, one message, several, or a promise of them.
 *
 * ```ts
 * const charge: Handler = (message) => Message.json({ paid: message.json() }, { key: message.key });
 * const [charged] = await produced(charge(received({ json: { id: "o-1", total: 42 } })));
 * ```
 */
export function produced(result: Promise<Produced>): Promise<readonly Message[]>;
export function produced(result: Message | readonly Message[] | undefined): readonly Message[];
export function produced(result: MaybePromise<Produced>): MaybePromise<readonly Message[]>;
export function produced(result: MaybePromise<Produced>): MaybePromise<readonly Message[]> {
  return isPromise(result) ? result.then(producedList) : producedList(result);
}
