import type { DrainOptions, Subscription } from "../message/index.ts";
import { AdapterSubscription, type AdapterSubscriptionOptions } from "./adapter-subscription.ts";

/** What a subscriber has open: each leaves when it ends, and they end together. */
export class OpenSubscriptions {
  readonly #open: Set<Subscription> = new Set();

  /** Makes a subscription and opens its first session. Rejects, with nothing left open, when that fails. */
  async start<Receipt>(options: AdapterSubscriptionOptions<Receipt>): Promise<AdapterSubscription<Receipt>> {
    const leave = (): void => {
      if (this.#open.delete(subscription)) options.onClosed?.();
    };
    const subscription: AdapterSubscription<Receipt> = new AdapterSubscription<Receipt>({ ...options, onClosed: leave });
    this.#open.add(subscription);
    try {
      return await subscription.start();
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** Drains them all at once; rejects, when all have ended, with what the first one that failed says. */
  async close(options?: DrainOptions): Promise<void> {
    const results = await Promise.allSettled([...this.#open].map((subscription) => subscription.drain(options)));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  /** As `close`, but handlers are not waited for: what is unsettled goes back at once. */
  async giveBack(): Promise<void> {
    await Promise.allSettled([...this.#open].map((subscription) => subscription[Symbol.asyncDispose]()));
  }
}
