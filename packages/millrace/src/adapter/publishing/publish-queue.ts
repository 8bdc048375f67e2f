import { PublishCalls } from "./publish-calls.ts";
import { closedError } from "./publish-error.ts";
import { PublishLane } from "./publish-lane.ts";
import type { PublishQueueRules } from "./publish-rules.ts";
import type { PublishTarget } from "./publish-target.ts";

const MOST_LINKS = 256;

/**
 * What a publisher is made of: the adapter says how to encode, connect and send, the queue does the rest.
 *
 * - Calls of a lane are sent in their order, those under way at once together; after the first failure in a call nothing more of it is sent.
 * - A full queue: a call waits for room, first come first served, and is refused with `BUFFER_FULL` when sixteen times the bound waits.
 * - What was sent and not answered when a link broke is `unknown`, and is sent again only where the broker removes repeats.
 * - A call ends when its time is up or its signal aborts: what was not sent is `rejected`, the rest `unknown`.
 * - A broken link is connected anew, with backoff, while somebody waits. `close` waits for what is under way, each call to its own limit.
 */
export class PublishQueue<Item, Link> extends PublishCalls<Item> {
  readonly #lanes: Map<string, PublishLane<Item, Link>> = new Map();
  readonly #stop: AbortController = new AbortController();

  constructor(rules: PublishQueueRules, target: PublishTarget<Item, Link>) {
    super(rules, target, { begin: (call) => laneOf(call.lane).push(call) });
    const laneOf = (name: string): PublishLane<Item, Link> => {
      let lane = this.#lanes.get(name);
      if (lane === undefined) {
        if (this.#lanes.size >= (rules.maxLinks ?? MOST_LINKS)) this.#dropResting();
        lane = new PublishLane(name, target, rules, this, this.#stop.signal);
        this.#lanes.set(name, lane);
      }
      return lane;
    };
  }

  /** Lets nothing more in, waits for what is under way, and disconnects. */
  override async close(): Promise<void> {
    await super.close();
    await this.stop();
  }

  /** Ends what is under way now, and disconnects. */
  override async stop(): Promise<void> {
    void super.stop();
    this.#stop.abort(closedError());
    await Promise.all([...this.#lanes.values()].map((lane) => lane.disconnect()));
  }

  #dropResting(): void {
    for (const [name, lane] of this.#lanes) {
      if (!lane.rests) continue;
      this.#lanes.delete(name);
      void lane.disconnect();
      return;
    }
  }
}
