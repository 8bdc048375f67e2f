import type { Fetched } from "../adapter/index.ts";
import { type Deferred, quietDeferred } from "../internal/deferred.ts";
import { handedBack } from "../message/handed-back.ts";
import type { ReceivedMessage } from "../message/index.ts";
import { TextMap } from "../message/metadata.ts";
import type { Branch } from "./branch.ts";

/** One upstream message on its way through all branches there were when it came. */
export class Share {
  readonly message: ReceivedMessage;
  readonly sequence: number;
  /** What every branch makes its own delivery from. */
  readonly fetched: Fetched;
  /** Branches that have not acked it. */
  readonly pending: Set<Branch>;
  readonly #done: Deferred<void> = quietDeferred();
  #dropped = false;
  #lost = false;

  constructor(message: ReceivedMessage, sequence: number, branches: Iterable<Branch>) {
    const { key, payload, metadata } = message;
    this.message = message;
    this.sequence = sequence;
    this.fetched = { source: message, key, payload, metadata: metadata.size === 0 ? undefined : new TextMap(metadata) };
    this.pending = new Set(branches);
    void message.settled.then((verdict) => {
      if (verdict === "lost") this.#lose();
    });
  }

  /** Upstream may have given it to another: no verdict on it counts any more. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Resolves when every branch has acked; rejects when the message has to be handled again. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  ackedBy(branch: Branch): void {
    if (this.pending.delete(branch)) this.#endWhenAllHave();
  }

  /** The branch is gone and will never ack. */
  droppedBy(branch: Branch): void {
    this.#dropped = true;
    if (this.pending.delete(branch)) this.#endWhenAllHave();
  }

  #endWhenAllHave(): void {
    if (this.pending.size > 0) return;
    if (this.#dropped) this.#done.reject(handedBack("a branch of the fan-out closed before it had acked"));
    else this.#done.resolve();
  }

  #lose(): void {
    this.#lost = true;
    for (const branch of this.pending) branch.lose(this);
    this.pending.clear();
    this.#done.reject(handedBack("the upstream delivery was lost"));
  }
}
