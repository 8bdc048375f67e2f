import { MillraceError } from "../errors/index.ts";
import type { PublishDoors, Taker } from "../message/doors.ts";
import { type Message, type Produced, type Publisher, type PublishOptions, producedList, type ReceivedMessage } from "../message/index.ts";

/** Where a handler's results go. */
export class Outlet {
  readonly #publisher: Publisher;
  readonly #topic: string;
  readonly #options: PublishOptions & PublishDoors;

  constructor(publisher: Publisher, topic: string, taker: Taker) {
    this.#publisher = publisher;
    this.#topic = topic;
    this.#options = Object.freeze({ "millrace.producedBy": taker });
  }

  /** Publishes in one call; messages without a key get the consumed message's, so that order per key holds along a chain. */
  publish(produced: Produced, consumed: ReceivedMessage): Promise<void> {
    try {
      const { key } = consumed;
      const list = producedList(produced);
      const keyed = key === undefined ? list : list.map((message) => (message.key === undefined ? message.copy({ key }) : message));
      return Promise.resolve(this.#publisher.publish(this.#topic, keyed.length === 1 ? (keyed[0] as Message) : keyed, this.#options));
    } catch (error) {
      // A foreign publisher that throws at once, or something that is no message: a failure as any other.
      return Promise.reject(error);
    }
  }
}

/** What a handler without a publisher gets for producing something. */
export function outputWithoutPublisher(handler: string): MillraceError {
  return new MillraceError(`handler ${JSON.stringify(handler)} returned messages but publishes nowhere: use addHandler with "publish", or return nothing`, {
    code: "OUTPUT_WITHOUT_PUBLISHER",
  });
}
