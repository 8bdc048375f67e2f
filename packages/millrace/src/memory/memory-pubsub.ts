import { checkPublish, checkSubscribe, OpenSubscriptions } from "../adapter/index.ts";
import { MillraceError, PublishError } from "../errors/index.ts";
import { nextTurn, sliceSpent } from "../internal/slice.ts";
import { guarded } from "../logger/guarded-logger.ts";
import type { Logger } from "../logger/index.ts";
import { isMessage } from "../message/check-publish.ts";
import type { BrokerAdmin, Capabilities, Message, PublishOptions, PubSub, SubscribeOptions, Subscription } from "../message/index.ts";
import { OptionCheck } from "../options/index.ts";
import { Acks } from "./acks.ts";
import { memoryAdmin } from "./admin.ts";
import { Batch } from "./batch.ts";
import { memoryCapabilities, persistentMemoryCapabilities } from "./capabilities.ts";
import type { MemoryPubSubOptions } from "./memory-options.ts";
import { memorySource } from "./memory-source.ts";
import type { MemoryTopic } from "./memory-topic.ts";
import { MemoryTopics } from "./memory-topics.ts";
import { tooManyDelayed } from "./publish-queue.ts";
import { SlowAcks } from "./slow-acks.ts";
import { Stored } from "./stored.ts";

const BUFFER_SIZE = 10_000;
const CLOSED = "the pub/sub is closed";
const RESOLVED: Promise<void> = Promise.resolve();

/**
 * A pub/sub in this process: for tests, for one process, and for the parts of a system that need no broker.
 *
 * - Every group gets all messages, in the order in which they were published; members of a group share them.
 * - A full group (`bufferSize`) makes publishers of its topic wait; other topics go on.
 * - Without `persistent`, a message published to a topic that nobody has subscribed to or provisioned is gone, and so is what a group
 *   has not settled when its last member leaves, unless it was provisioned. Both are logged as warnings, the former once a topic.
 * - With `persistent`, everything is kept (memory grows with it, publishers never wait), groups can begin anywhere and each
 *   group's position is remembered while the object lives.
 * - A delayed message (`delayMs`, `deliverAt`) is held back beside its topic, to the millisecond, and enters it when it is due: before
 *   the groups that are there then. Until then it has no place in the topic, counts for no group's `lag`, and is not waited for by
 *   `router.idle()`. It keeps the process alive.
 * - Nothing survives the process. `close()` logs of each topic how many confirmed messages it forgets: those that a group or a reader
 *   had still to settle, those not due yet, and those that a persistent topic kept and nobody ever settled.
 *
 * | handler | what happens |
 * |---|---|
 * | returns | the message is gone for its group |
 * | throws | handed out again, to the same subscription, in its old place |
 * | subscription closes | unsettled messages go to another member, or wait for one (where the group is remembered) |
 */
export class MemoryPubSub implements PubSub {
  readonly capabilities: Capabilities;
  readonly #open: OpenSubscriptions = new OpenSubscriptions();
  readonly #persistent: boolean;
  readonly #block: boolean;
  readonly #logger: Logger;
  readonly #topics: MemoryTopics;
  readonly #waitingForAck: Set<Acks> = new Set();
  readonly #slowAcks: SlowAcks;
  #admin: BrokerAdmin | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: MemoryPubSubOptions = {}) {
    new OptionCheck("MemoryPubSub")
      .known(options, { persistent: true, blockPublishUntilAck: true, bufferSize: true, logger: true })
      .flag("persistent", options.persistent)
      .flag("blockPublishUntilAck", options.blockPublishUntilAck)
      .integer("bufferSize", options.bufferSize, { min: 1 })
      .methods("logger", options.logger, ["trace", "debug", "info", "warn", "error"])
      .done();
    this.#persistent = options.persistent ?? false;
    this.#block = options.blockPublishUntilAck ?? false;
    this.#logger = guarded(options.logger);
    this.#topics = new MemoryTopics(this.#persistent, this.#persistent ? Infinity : (options.bufferSize ?? BUFFER_SIZE), this.#logger);
    this.#slowAcks = new SlowAcks(this.#logger);
    this.capabilities = this.#persistent ? persistentMemoryCapabilities : memoryCapabilities;
  }

  get admin(): BrokerAdmin {
    this.#admin ??= memoryAdmin({
      persistent: this.#persistent,
      topics: () => this.#topics.list(),
      checkOpen: () => {
        if (this.#closing !== undefined) throw closed();
      },
      forget: (topic, group) => this.#topics.forget(topic, group),
    });
    return this.#admin;
  }

  publish(topic: string, messages: Message | readonly Message[], options?: PublishOptions): Promise<void> {
    const room = this.#topics.get(topic);
    if (room !== undefined && isMessage(messages) && !room.queue.busy && !this.#block && plain(options) && this.#closing === undefined) {
      const entry = stored(messages);
      if (entry !== undefined && room.topic.accept(entry)) return sliceSpent() ? nextTurn() : RESOLVED;
    }
    return this.#publish(topic, Array.isArray(messages) ? messages : [messages as Message], options);
  }

  async subscribe(topic: string, options: SubscribeOptions = {}): Promise<Subscription> {
    checkSubscribe("MemoryPubSub", topic, options);
    this.#checkFrom("subscribe", options);
    if (this.#closing !== undefined) throw closed();
    const room = this.#topics.room(topic);
    const group = room.topic.group(options.group, options.from, false);
    const onLeave = (): void => this.#topics.leave(room, group);
    const settings = { adapter: "memory", keepsAttempts: true, logger: this.#logger };
    try {
      return await this.#open.start<Stored>({ topic, options, settings, source: memorySource(room, group, options.from, onLeave) });
    } catch (error) {
      onLeave();
      throw error;
    }
  }

  /** Makes the group, so that what is published before its first subscription waits for it. */
  async provision(topic: string, options: Pick<SubscribeOptions, "group" | "from"> = {}): Promise<void> {
    checkSubscribe("MemoryPubSub", topic, options);
    this.#checkFrom("provision", options);
    if (this.#closing !== undefined) throw closed();
    if (options.group !== undefined) this.#topics.room(topic).topic.group(options.group, options.from, true);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.close(), this.#open.giveBack()]);
  }

  async #publish(topic: string, messages: readonly Message[], options: PublishOptions | undefined): Promise<void> {
    checkPublish("MemoryPubSub", topic, messages, options);
    const signal = options?.signal;
    const acks = this.#block ? new Acks(messages.length) : undefined;
    const batch = new Batch(messages, acks);
    this.#checkOpen(batch, signal);
    if (messages.length === 0) return;
    if (acks !== undefined) this.#waitingForAck.add(acks);
    try {
      for (let all = false; !all; ) {
        // Looked up in every turn: the topic's last reader may have left meanwhile, and another one have come.
        const room = this.#topics.forPublish(topic);
        const fits = room.queue.fits(batch.size - batch.next);
        if (!fits) await room.queue.wait(batch, signal);
        all = !fits || this.#put(room.topic, batch);
        if (sliceSpent()) await nextTurn();
        if (!all) this.#checkOpen(batch, signal);
      }
      if (acks !== undefined) await this.#whenAcked(acks, signal, messages.length, topic);
    } finally {
      if (acks !== undefined) this.#waitingForAck.delete(acks);
    }
  }

  /** Puts what this turn of the event loop has time for. True when all is put. */
  #put(topic: MemoryTopic, batch: Batch): boolean {
    while (batch.next < batch.size) {
      if (!topic.accept(batch.current())) throw tooManyDelayed(batch, topic.name);
      batch.next++;
      if (sliceSpent()) break;
    }
    return batch.next === batch.size;
  }

  #checkOpen(batch: Batch, signal: AbortSignal | undefined): void {
    if (this.#closing !== undefined) throw batch.refusal("CLOSED", CLOSED);
    if (signal?.aborted) throw batch.refusal("PUBLISH_ABORTED", "the publish was aborted", signal.reason);
  }

  /** Rejects, with outcome unknown, when the wait is aborted or the pub/sub closes. */
  async #whenAcked(acks: Acks, signal: AbortSignal | undefined, count: number, topic: string): Promise<void> {
    const unknown = (code: string, cause: unknown): PublishError => {
      const outcomes = Array.from({ length: count }, () => "unknown" as const);
      return new PublishError("the wait for the acks ended before they came", { code, retryable: true, cause, outcomes });
    };
    const onAbort = (): void => acks.refuse(unknown("PUBLISH_ABORTED", signal?.reason));
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    const room = acks.confirmed ? undefined : this.#topics.get(topic);
    const stopWatching = room === undefined ? undefined : this.#slowAcks.watch(room.topic);
    try {
      await acks.done;
    } catch (error) {
      throw MillraceError.is(error) && error.code === "CLOSED" ? unknown("CLOSED", error) : error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      stopWatching?.(acks.confirmed);
    }
  }

  #checkFrom(call: string, { from }: Pick<SubscribeOptions, "from">): void {
    new OptionCheck(`MemoryPubSub.${call}`)
      .that(this.#persistent || from === undefined || from === "latest", 'from can only be "latest" unless the pub/sub is persistent: nothing older is kept')
      .that(
        typeof from !== "object" || !("position" in from) || /^[1-9]\d*$/.test(from.position),
        "from.position must be the position of a delivery, a whole number from 1",
      )
      .done();
  }

  async #close(): Promise<void> {
    this.#topics.beginClosing();
    for (const acks of this.#waitingForAck) acks.refuse(closed());
    try {
      await this.#open.close();
    } finally {
      await this.#topics.close();
    }
  }
}

/** The message as it is now; `undefined` when it cannot be read, which is to be told where promises are made. */
function stored(message: Message): Stored | undefined {
  try {
    return new Stored(message, undefined);
  } catch {
    return undefined;
  }
}

function closed(): MillraceError {
  return new MillraceError(CLOSED, { code: "CLOSED" });
}

/** Nothing to look at in them: no signal, and nothing that is no options. */
function plain(options: PublishOptions | undefined): boolean {
  return options === undefined || (typeof options === "object" && options !== null && options.signal === undefined);
}
