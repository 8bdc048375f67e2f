import type { Capabilities, MaybePromise, Message, Publisher, PublishOptions } from "../../message/index.ts";
import { Life } from "./life.ts";

/** What only the adapter knows of publishing. */
export interface PublisherParts {
  readonly capabilities: Capabilities;
  /** A `PublishCalls` with its target or its desk. */
  readonly calls: Pick<Publisher, "publish" | "close">;
  /** Ends its connections. No call is under way any more. */
  close?(): MaybePromise<void>;
}

/** A publisher, of which an adapter writes only the parts: closing waits for the calls under way, and then it refuses. */
export class PublisherShell implements Publisher {
  readonly #parts: PublisherParts;
  readonly #calls: PublisherParts["calls"];
  readonly #life: Life;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    this.#calls = parts.calls;
    this.#life = new Life("publisher", async () => {
      try {
        await parts.calls.close();
      } finally {
        await parts.close?.();
      }
    });
  }

  get capabilities(): Capabilities {
    return this.#parts.capabilities;
  }

  /** Resolves when the broker has every message; else rejects with a `PublishError` that says of each what became of it. */
  publish(topic: string, messages: Message | readonly Message[], options?: PublishOptions): Promise<void> {
    return this.#calls.publish(topic, messages, options);
  }

  /** Waits for the calls under way, each at most to its own time, and ends the connections. */
  close(): Promise<void> {
    return this.#life.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
