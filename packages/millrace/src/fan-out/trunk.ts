import { type Deferred, quietDeferred } from "../internal/deferred.ts";
import { wallMs } from "../internal/timers.ts";
import { handedBack } from "../message/handed-back.ts";
import type { Publisher, ReceivedMessage } from "../message/index.ts";
import { statusWithJson } from "../message/status-json.ts";
import type { HandlerHandle, HandlerHealth, Router } from "../router/index.ts";
import { Branch } from "./branch.ts";
import type { FanOutOptions } from "./fan-out-options.ts";
import { Share } from "./share.ts";

/** One upstream topic: the handler that reads it, and the branches that everything it reads is shared among. */
export class Trunk {
  readonly topic: string;
  readonly handle: HandlerHandle;
  readonly #router: Router;
  readonly #window: number;
  readonly #branches: Set<Branch> = new Set();
  readonly #shares: Set<Share> = new Set();
  /** Messages that came while there was no branch wait for the first one. */
  #firstBranch: Deferred<void> = quietDeferred();
  #sequence = 0;
  /** When the window became full, by the wall clock; 0 when less than half of it is taken since. */
  #fullMs = 0;
  /** The fan-out was not started yet. */
  #waits: boolean;

  constructor(topic: string, router: Router, options: FanOutOptions, window: number, waits: boolean) {
    this.topic = topic;
    this.#waits = waits;
    this.#router = router;
    this.#window = window;
    // The router's pipeline is what a fan-out needs: messages are "published" to the branches in order, any number of them ahead,
    // and each is acked when its own publish is confirmed, which here means that every branch has acked it, and all before it.
    const branches: Publisher = {
      publish: (_topic, message) => this.#share(message as ReceivedMessage),
      close: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
    const name = `fan_out_${topic}`;
    this.handle = router.addHandler({
      name,
      subscribe: { subscriber: options.subscriber, topic },
      publish: { publisher: branches, topic },
      group: options.group ?? name,
      from: options.from,
      pipeline: window - 1,
      handle: (message) => message,
    });
    this.handle.pause();
  }

  /** The branch of a group, or a new one without a group. */
  branch(group: string | undefined): Branch {
    const known = group === undefined ? undefined : [...this.#branches].find((branch) => branch.group === group);
    if (known !== undefined) return known;
    const branch = new Branch(group, (one) => this.leave(one));
    this.#branches.add(branch);
    if (this.#branches.size === 1) {
      this.#firstBranch.resolve();
      this.handle.resume();
    }
    return branch;
  }

  leave(branch: Branch): void {
    if (!this.#branches.delete(branch)) return;
    if (this.#branches.size === 0) {
      this.#firstBranch = quietDeferred();
      this.handle.pause();
    }
    branch.leave();
  }

  /** The fan-out was started. */
  go(): void {
    this.#waits = false;
    for (const branch of this.#branches) branch.go();
  }

  get waitsFor(): string | undefined {
    return this.#waits ? "the fan-out waits to be started: call its start()" : undefined;
  }

  /** True when nothing is on its way to the branches, as far as upstream can tell. */
  get quiet(): boolean {
    const { held, state } = this.#upstream;
    return state === "starting" || (held === 0 && (this.ahead ?? 0) === 0);
  }

  /** Messages that upstream has for the fan-out and that the branches have not seen yet; `undefined` where upstream does not tell. */
  get ahead(): number | undefined {
    const { lag, inFlight } = this.#upstream;
    return lag === undefined ? undefined : Math.max(0, lag - inFlight);
  }

  health(): HandlerHealth {
    const upstream = this.#upstream;
    if (this.#waits) return statusWithJson({ ...upstream, detail: upstream.detail ?? this.waitsFor });
    if (this.#branches.size === 0) return statusWithJson({ ...upstream, detail: upstream.detail ?? "no branch has subscribed" });
    const [oldest] = this.#shares;
    if (upstream.state !== "running" || upstream.inFlight < this.#window || oldest === undefined) return upstream;
    const names = [...oldest.pending].map(({ group }) => (group === undefined ? "a branch without a group" : `branch ${JSON.stringify(group)}`));
    const detail = `${this.#window} messages wait for their acks, the oldest for ${names.join(", ")}`;
    return statusWithJson({ ...upstream, state: "blocked", since: new Date(Math.max(this.#fullMs, upstream.since.getTime())), detail });
  }

  /** Reads no more. */
  pause(): void {
    this.handle.pause();
  }

  /** Gives back what waits for a branch, or for the ack of one that is kept without members. */
  end(): void {
    this.#firstBranch.reject(handedBack("the fan-out closed before a branch subscribed"));
    for (const branch of this.#branches) branch.leave();
    this.#branches.clear();
  }

  get #upstream(): HandlerHealth {
    return this.#router.health().handlers[this.handle.name] ?? STOPPED;
  }

  async #share(message: ReceivedMessage): Promise<void> {
    while (this.#branches.size === 0) await this.#firstBranch.promise;
    const share = new Share(message, ++this.#sequence, this.#branches);
    this.#shares.add(share);
    if (this.#shares.size >= this.#window && this.#fullMs === 0) this.#fullMs = wallMs();
    for (const branch of this.#branches) branch.add(share);
    try {
      await share.done;
    } finally {
      this.#shares.delete(share);
      if (this.#shares.size * 2 < this.#window) this.#fullMs = 0;
    }
  }
}

const STOPPED: HandlerHealth = Object.freeze({
  state: "stopped",
  since: new Date(0),
  inFlight: 0,
  held: 0,
  attempts: 0,
  counts: Object.freeze({ handled: 0, failed: 0, retried: 0, deadLettered: 0, undecodable: 0, abandoned: 0, reconnected: 0 }),
});
