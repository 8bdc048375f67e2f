import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { startTimer } from "../internal/timers.ts";
import { OptionCheck } from "../options/index.ts";

export interface ChaosTarget {
  readonly host?: string | undefined;
  readonly port: number;
}

/** What a test does to the connections of a pub/sub. A `ChaosProxy` does it to TCP; an adapter of another kind brings its own. */
export interface Chaos {
  /** Breaks what is connected. */
  cut(): void;
  /** As `cut`, and turns away what comes until `heal`. */
  refuse(): void;
  /** Nothing comes through until `heal`, and nobody is told; `"answers"`: only what the broker sends. */
  stall(direction?: "both" | "answers"): void;
  heal(): void;
  close(): Promise<void>;
}

/**
 * A TCP proxy inside the test's own process, between an adapter and its broker.
 *
 * `cut()` resets what is connected. `refuse()` also turns away what comes. `stall()` forwards nothing more but keeps every
 * connection open: the half-open connection that no socket event tells of. `heal()` ends all of it.
 */
export class ChaosProxy implements Chaos, AsyncDisposable {
  /** Added to every chunk in each direction, in milliseconds. */
  latencyMs = 0;
  readonly #target: ChaosTarget;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #stalled: "no" | "both" | "answers" = "no";
  #refusing = false;

  private constructor(target: ChaosTarget) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** Listens on a free port of the loopback address. Rejects with `OptionError` `BAD_OPTION`. */
  static async start(target: ChaosTarget): Promise<ChaosProxy> {
    new OptionCheck("ChaosProxy").known(target, { host: true, port: true }).required("port", target.port).done();
    const proxy = new ChaosProxy(target);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once("error", reject);
      proxy.#server.listen(0, "127.0.0.1", resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Resets every connection; new ones are let through. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
  }

  /** Resets every connection and turns new ones away until `heal()`. */
  refuse(): void {
    this.#refusing = true;
    this.cut();
  }

  /** Forwards nothing until `heal()`; `"answers"` still lets through what goes to the broker, so that only confirmations are missing. */
  stall(direction: "both" | "answers" = "both"): void {
    this.#stalled = direction;
    for (const [client, broker] of this.#pairs) {
      broker.pause();
      if (direction === "both") client.pause();
    }
  }

  heal(): void {
    this.#stalled = "no";
    this.#refusing = false;
    for (const [client, broker] of this.#pairs) {
      client.resume();
      broker.resume();
    }
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(client: Socket): void {
    if (this.#refusing) {
      client.on("error", () => {});
      client.resetAndDestroy();
      return;
    }
    const broker = connect(this.#target.port, this.#target.host ?? "127.0.0.1");
    const pair = [client, broker] as const;
    this.#pairs.add(pair);
    this.#forward(client, broker, pair);
    this.#forward(broker, client, pair);
    if (this.#stalled !== "no") this.stall(this.#stalled);
  }

  #forward(from: Socket, to: Socket, pair: readonly [Socket, Socket]): void {
    from.on("data", (chunk) => {
      if (this.latencyMs > 0) startTimer(() => write(from, to, chunk), this.latencyMs);
      else write(from, to, chunk);
    });
    let ended = false;
    from.on("end", () => {
      ended = true;
      // After the last delayed chunk; the same delay keeps the order.
      if (this.latencyMs > 0) startTimer(() => to.end(), this.latencyMs);
      else to.end();
    });
    from.on("error", () => to.destroy());
    from.on("close", () => {
      this.#pairs.delete(pair);
      if (!ended) to.destroy();
    });
    to.on("drain", () => {
      const stalled = this.#stalled === "both" || (this.#stalled === "answers" && from === pair[1]);
      if (!stalled) from.resume();
    });
  }
}

function write(from: Socket, to: Socket, chunk: Uint8Array): void {
  if (to.destroyed || !to.writable) return;
  if (!to.write(chunk)) from.pause();
}
