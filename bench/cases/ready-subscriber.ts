import { Message, type SubscribeOptions, type Subscriber, type Subscription } from "millrace";
import { AdapterSubscription, type Intake, Received, type Session } from "millrace/adapter";

/**
 * A subscriber without a broker, written as adapters are: `count` messages are ready from the start, and there is as good as
 * nothing to do for it. What is left is the adapter layer itself and whoever reads it.
 */
export class ReadySubscriber implements Subscriber {
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  async subscribe(topic: string, options: SubscribeOptions = {}): Promise<Subscription> {
    const ready = new ReadySession(this.#count);
    const source = {
      open(intake: Intake<undefined>): Session<undefined> {
        ready.intake = intake;
        return ready;
      },
    };
    return await new AdapterSubscription<undefined>({ topic, options, settings: { adapter: "ready" }, source }).start();
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

class ReadySession implements Session<undefined> {
  intake: Intake<undefined> | undefined;
  readonly #message = { source: new Message(new Uint8Array(16)), key: undefined, payload: new Uint8Array(16), metadata: undefined };
  #left: number;
  #wanted = 0;
  #giving = false;

  constructor(count: number) {
    this.#left = count;
  }

  /** Delivering may ask for more at once: the loop that runs goes on with it. */
  want(count: number): void {
    this.#wanted = count;
    if (this.#giving) return;
    this.#giving = true;
    while (this.#wanted > 0 && this.#left > 0) {
      this.#wanted--;
      this.#left--;
      this.intake?.deliver(new Received(this.#message, undefined));
    }
    this.#giving = false;
  }

  acked(): void {}

  settle(): void {}

  giveBack(): void {}

  close(): void {}
}
