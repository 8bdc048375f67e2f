import type { Duplex } from "node:stream";
import { type ChannelModel, connect, type Options, type SocketOptions } from "amqplib";
import { LATE, laterTurn, monotonicMs, startTimer, stopTimer, type TimerHandle, within } from "millrace/adapter";
import { readPropertiesOurselves } from "./wire/own-reading.ts";

export interface LinkRules {
  readonly addresses: readonly Options.Connect[];
  readonly connectionName: string;
  readonly connectTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly socket: SocketOptions;
}

/** How long the broker may take to say goodbye. */
const GOODBYE_MS = 1_000;
export const STOOD_STILL = "this process stood still for longer than the broker waits";

/** One connection from its opening to its end. */
export class OpenLink {
  readonly model: ChannelModel;
  /** Host and port. */
  readonly where: string;
  /** Why the broker takes no messages at present: `"low on memory"`. */
  blocked: string | undefined;
  /** What ended it. */
  error: unknown;
  closed = false;
  readonly #heartbeatMs: number;
  readonly #stream: (Duplex & { readonly bytesRead?: number }) | undefined;
  readonly #watchers = new Set<{ onClose(error: unknown): void; onBlocked?(): void }>();
  #timer: TimerHandle | undefined;
  #bytes = -1;
  #seenAt = monotonicMs();
  #tickAt = monotonicMs();

  constructor(model: ChannelModel, where: string, heartbeatMs: number) {
    this.model = model;
    this.where = where;
    this.#heartbeatMs = heartbeatMs;
    // amqplib has no way to end a connection whose other side is silent, nor to see when it last spoke.
    this.#stream = (model.connection as { readonly stream?: Duplex }).stream;
    model.on("error", (error) => {
      this.error ??= error;
    });
    model.on("close", (error) => this.#onClose(error));
    model.on("blocked", (reason) => this.#onBlocked(reason));
    model.on("unblocked", () => this.#onBlocked(undefined));
    this.#watch();
  }

  static async dial(rules: LinkRules, address: Options.Connect, purpose: string): Promise<OpenLink> {
    const { connectTimeoutMs, heartbeatMs, socket } = rules;
    const heartbeat = Math.max(1, Math.round(heartbeatMs / 2000));
    const model = await connect(
      { ...address, heartbeat },
      {
        noDelay: true,
        ...socket,
        timeout: connectTimeoutMs,
        clientProperties: { ...socket.clientProperties, connection_name: `${rules.connectionName} ${purpose}` },
      },
    );
    readPropertiesOurselves(model.connection);
    return new OpenLink(model, `${address.hostname}:${address.port}`, heartbeatMs);
  }

  /** Tells of the end, at most once, and of every change of `blocked`. Returns how to stop that. */
  watch(watcher: { onClose(error: unknown): void; onBlocked?(): void }): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** This process stood still for so long that the broker takes it for dead, and has given away what it holds. */
  get stoodStill(): boolean {
    return monotonicMs() - this.#tickAt > this.#heartbeatMs;
  }

  destroy(error: Error): void {
    if (this.closed) return;
    this.error ??= error;
    if (this.#stream === undefined) this.model.close().catch(() => {});
    else this.#stream.destroy(error);
    this.#onClose(error);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    if (
      (await within(
        this.model.close().catch(() => {}),
        GOODBYE_MS,
      )) === LATE
    )
      this.destroy(new Error("the broker did not answer to a goodbye"));
    this.#stream?.destroy();
    this.#onClose(undefined);
  }

  #spoke(): boolean {
    const { bytesRead = this.#bytes + 1 } = this.#stream ?? {};
    if (bytesRead === this.#bytes) return false;
    this.#bytes = bytesRead;
    this.#seenAt = monotonicMs();
    return true;
  }

  #watch(): void {
    this.#timer = startTimer(() => {
      if (this.closed) return;
      if (this.stoodStill) {
        this.destroy(new Error(STOOD_STILL));
        return;
      }
      this.#tickAt = monotonicMs();
      if (this.#spoke() || monotonicMs() - this.#seenAt <= this.#heartbeatMs) this.#watch();
      // What came while the event loop stood still has not been read yet.
      else laterTurn(() => laterTurn(() => this.#giveUp()));
    }, this.#heartbeatMs / 8);
  }

  #giveUp(): void {
    if (this.closed) return;
    if (this.#spoke()) this.#watch();
    else this.destroy(new Error(`the broker was silent for ${this.#heartbeatMs} ms`));
  }

  #onBlocked(reason: string | undefined): void {
    this.blocked = reason;
    for (const watcher of [...this.#watchers]) watcher.onBlocked?.();
  }

  #onClose(error: unknown): void {
    if (this.closed) return;
    this.closed = true;
    this.error ??= error ?? new Error("the connection was closed");
    this.blocked = undefined;
    stopTimer(this.#timer);
    for (const watcher of [...this.#watchers]) watcher.onClose(this.error);
    this.#watchers.clear();
  }
}
