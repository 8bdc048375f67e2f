import { checkPublish, checkSubscribe, OpenSubscriptions } from "../adapter/index.ts";
import { MillraceError, PublishError } from "../errors/index.ts";
import type { Deferred } from "../internal/deferred.ts";
import { nextTurn, sliceSpent } from "../internal/slice.ts";
import { type Logger, silentLogger } from "../logger/index.ts";
import type { Capabilities, Message, PublishOptions, PubSub, SubscribeOptions, Subscription } from "../message/index.ts";
import { OptionCheck } from "../options/index.ts";
import { Acks } from "./acks.ts";
import { memoryCapabilities, persistentMemoryCapabilities } from "./capabilities.ts";
import type { MemoryPubSubOptions } from "./memory-options.ts";
import { memorySource } from "./memory-source.ts";
import { MemoryTopic } from "./memory-topic.ts";
import { PublishQueue, refusal } from "./publish-queue.ts";
import type { Stored } from "./stored.ts";

const BUFFER_SIZE = 10_000;
const CLOSED = "the pub/sub is closed";
const RESOLVED: Promise<void> = Promise.resolve();

interface Room {
  readonly topic: MemoryTopic;
  readonly queue: PublishQueue;
}

/**
 * A pub/sub in this process: for tests, for one process, and for the parts of a system that need no broker.
 *
 * - Every group gets all messages, in the order in which they were published; members of a group share them.
 * - A full group (`bufferSize`) makes publishers of its topic wait; other topics go on.
 * - Without `persistent`, a message published to a topic that nobody has subscribed to or provisioned is gone.
 * - With `persistent`, everything is kept (memory grows with it, publishers never wait), groups can begin anywhere and each
 *   group's position is remembered while the object lives.
 * - Nothing survives the process.
 *
 * | handler | what happens |
 * |---|---|
 * | returns | the message is gone for its group |
 * | throws | handed out again, to the same subscription, in its old place |
 * | subscription closes | unsettled messages go to another member, or wait for one (where the group is remembered) |
 */
export class MemoryPubSub implements PubSub {
  readonly capabilities: Capabilities;
  readonly #rooms: Map<string, Room> = new Map();
  readonly #open: OpenSubscriptions = new OpenSubscriptions();
  readonly #persistent: boolean;
  readonly #block: boolean;
  readonly #bound: number;
  readonly #logger: Logger;
  readonly #waitingForAck: Set<Deferred<void>> = new Set();
  #closing: Promise<void> | undefined;

  constructor(options: MemoryPubSubOptions = {}) {
    new OptionCheck("MemoryPubSub")
      .known(options, { persistent: true, blockPublishUntilAck: true, bufferSize: true, logger: true })
      .flag("persistent", options.persistent)
      .flag("blockPublishUntilAck", options.blockPublishUntilAck)
      .integer("bufferSize", options.bufferSize, { min: 1 })
      .methods("logger", options.logger, ["warn", "error"])
      .done();
    this.#persistent = options.persistent ?? false;
    this.#block = options.blockPublishUntilAck ?? false;
    this.#bound = options.bufferSize ?? BUFFER_SIZE;
    this.#logger = options.logger ?? silentLogger;
    this.capabilities = this.#persistent ? persistentMemoryCapabilities : memoryCapabilities;
  }

  publish(topic: string, messages: Message | readonly Message[], options?: PublishOptions): Promise<void> {
    const room = this.#rooms.get(topic);
    if (
      room !== undefined &&
      Array.isArray(messages) === false &&
      !room.queue.busy &&
      !this.#block &&
      options?.signal === undefined &&
      this.#closing === undefined
    ) {
      const message = messages as Message;
      if (message.payload instanceof Uint8Array) {
        room.topic.put(message, undefined);
        return sliceSpent() ? nextTurn() : RESOLVED;
      }
    }
    return this.#publish(topic, Array.isArray(messages) ? messages : [messages as Message], options);
  }

  async subscribe(topic: string, options: SubscribeOptions = {}): Promise<Subscription> {
    checkSubscribe("MemoryPubSub", topic, options);
    this.#checkFrom("subscribe", options);
    if (this.#closing !== undefined) throw closed();
    const room = this.#room(topic);
    const group = room.topic.group(options.group, options.from, false);
    const onLeave = (): void => {
      room.topic.release(group);
      room.queue.moveOn();
      if (room.topic.disposable && !room.queue.busy && this.#rooms.get(topic) === room) this.#rooms.delete(topic);
    };
    const settings = { adapter: "memory", keepsAttempts: true, logger: this.#logger };
    try {
      return await this.#open.start<Stored>({ topic, options, settings, source: memorySource(group, onLeave, () => room.queue.moveOn()) });
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
    if (options.group !== undefined) this.#room(topic).topic.group(options.group, options.from, true);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.close(), this.#open.giveBack()]);
  }

  async #publish(topic: string, messages: readonly Message[], options: PublishOptions | undefined): Promise<void> {
    checkPublish("MemoryPubSub", topic, messages);
    if (this.#closing !== undefined) throw refusal({ messages, next: 0 }, "CLOSED", CLOSED);
    if (messages.length === 0) return;
    const signal = options?.signal;
    if (signal?.aborted) throw refusal({ messages, next: 0 }, "PUBLISH_ABORTED", "the publish was aborted", signal.reason);
    const known = this.#rooms.get(topic);
    if (known === undefined && !this.#persistent) {
      this.#logger.debug({ topic, count: messages.length }, "nobody has subscribed, messages are dropped");
      return;
    }
    const room = known ?? this.#room(topic);
    const acks = this.#block ? new Acks(messages.length) : undefined;
    if (room.queue.fits(messages.length)) {
      for (let index = 0; index < messages.length; index++) {
        if (this.#closing !== undefined) throw refusal({ messages, next: index }, "CLOSED", CLOSED);
        room.topic.put(messages[index] as Message, acks);
        if (sliceSpent()) await nextTurn();
      }
    } else await room.queue.wait(messages, acks, signal);
    if (acks !== undefined) await this.#whenAcked(acks, signal, messages);
    if (sliceSpent()) await nextTurn();
  }

  /** Rejects, with outcome unknown, when the wait is aborted or the pub/sub closes. */
  async #whenAcked({ done }: Acks, signal: AbortSignal | undefined, messages: readonly Message[]): Promise<void> {
    const unknown = (code: string, cause: unknown): PublishError =>
      new PublishError("the wait for the acks ended before they came", { code, retryable: true, cause, outcomes: messages.map(() => "unknown") });
    const onAbort = (): void => done.reject(unknown("PUBLISH_ABORTED", signal?.reason));
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#waitingForAck.add(done);
    try {
      await done.promise;
    } catch (error) {
      throw MillraceError.is(error) && error.code === "CLOSED" ? unknown("CLOSED", error) : error;
    } finally {
      this.#waitingForAck.delete(done);
      signal?.removeEventListener("abort", onAbort);
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

  #room(topic: string): Room {
    let room = this.#rooms.get(topic);
    if (room === undefined) {
      const made = new MemoryTopic(topic, this.#persistent);
      room = { topic: made, queue: new PublishQueue(made, this.#persistent ? Infinity : this.#bound) };
      this.#rooms.set(topic, room);
    }
    return room;
  }

  async #close(): Promise<void> {
    for (const { queue } of this.#rooms.values()) queue.close();
    for (const done of this.#waitingForAck) done.reject(closed());
    try {
      await this.#open.close();
    } finally {
      for (const { topic } of this.#rooms.values()) topic.clear();
      this.#rooms.clear();
    }
  }
}

function closed(): MillraceError {
  return new MillraceError(CLOSED, { code: "CLOSED" });
}
