import { isPromise, type Message, type Middleware, type Produced, type ReceivedMessage } from "millrace";
import type { Handling } from "../ledger/records.ts";
import type { Stage } from "./stage.ts";

/** The outermost layer: sees what the router gives, and what it gets back. */
export function observer({ world, book, member, within }: Stage): Middleware {
  return (next) => (message) => {
    const handling = beginning(message);
    if (world.ledger.dead) return new Promise(() => {});
    if (handling === undefined) return next(message);
    let result: ReturnType<typeof next>;
    try {
      result = within.run(handling, next, message);
    } catch (error) {
      book.threw(handling, error);
      throw error;
    }
    if (isPromise(result)) {
      result.then(
        (produced) => book.returned(handling, textsOf(produced)),
        (error: unknown) => book.threw(handling, error),
      );
    } else book.returned(handling, textsOf(result));
    return result;
  };

  function beginning(message: ReceivedMessage): Handling | undefined {
    return book.begin(member, message.text(), message.delivery.attempt);
  }
}

export function textsOf(produced: Produced): readonly string[] {
  if (produced === undefined) return [];
  const list = Array.isArray(produced) ? (produced as readonly Message[]) : [produced as Message];
  return list.map((message) => message.text());
}
