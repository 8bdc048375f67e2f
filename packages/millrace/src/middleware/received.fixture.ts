import { Received } from "../adapter/received.ts";
import type { HandlerCall } from "../message/in-hand.ts";
import type { Delivery, Message, MetadataInit, NackOptions, Publisher } from "../message/index.ts";
import { TextMap } from "../message/metadata.ts";

export interface ReceivedFixtureOptions {
  readonly id?: string;
  readonly key?: string;
  readonly payload?: string;
  readonly metadata?: MetadataInit;
  readonly attempt?: number;
  readonly delivery?: Partial<Delivery>;
}

/** A received message of no broker, and what happened to it. */
export class ReceivedFixture {
  readonly message: Received;
  readonly verdicts: ("ack" | NackOptions | undefined)[] = [];

  constructor(options: ReceivedFixtureOptions = {}) {
    const { id = "m-1", key, payload = "p", attempt = 1, delivery } = options;
    this.message = new Received(
      {
        source: { id },
        key,
        payload: new TextEncoder().encode(payload),
        metadata: options.metadata === undefined ? undefined : new TextMap(options.metadata),
      },
      undefined,
      attempt,
    );
    const described: Delivery = { topic: "orders", attempt, handler: "charge", ...delivery };
    this.message.adopt(
      {
        holds: () => true,
        onAck: () => this.verdicts.push("ack"),
        onNack: (_message, nack) => this.verdicts.push(nack),
        describe: () => described,
      },
      0,
    );
    // As in a router: a verdict does not end the signal.
    if (described.handler !== undefined) this.message.begin(LONE_CALL, { handler: described.handler, publishTopic: described.publishTopic });
  }
}

export function received(options: ReceivedFixtureOptions = {}): Received {
  return new ReceivedFixture(options).message;
}

/** Keeps what is published; fails while `error` is set. */
export class RecordingPublisher implements Publisher {
  readonly published: { readonly topic: string; readonly message: Message }[] = [];
  calls = 0;
  closed = 0;
  error: unknown = undefined;

  async publish(topic: string, messages: Message | readonly Message[]): Promise<void> {
    this.calls++;
    if (this.error !== undefined) throw this.error;
    for (const message of [messages].flat() as Message[]) this.published.push({ topic, message });
  }

  async close(): Promise<void> {
    this.closed++;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

const LONE_CALL: HandlerCall = {
  onVerdict: () => {},
  rest: async (run) => await run(new AbortController().signal),
  resting: false,
  onRest: () => () => {},
};
