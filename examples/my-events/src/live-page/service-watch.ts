import { setTimeout as sleep } from "node:timers/promises";
import type { ServiceName } from "../contracts/index.ts";
import type { HandlerReport } from "../service/broker-link.ts";
import { Rate } from "./rate.ts";

const EVERY_MS = 1_000;

export interface WatchedHandler extends HandlerReport {
  readonly perSecond: number;
}

export interface ServiceReport {
  readonly service: ServiceName;
  readonly url: string;
  readonly status: "ok" | "degraded" | "down";
  readonly pid?: number | undefined;
  readonly handlers: readonly WatchedHandler[];
}

/** Asks a service every second how it and its handlers are. */
export class ServiceWatch {
  #report: ServiceReport;
  readonly #rates: Map<string, Rate> = new Map();
  readonly #counts: Map<string, number> = new Map();
  readonly #stop: AbortController = new AbortController();
  #asking: Promise<void> = Promise.resolve();

  constructor(service: ServiceName, url: string) {
    this.#report = { service, url, status: "down", handlers: [] };
  }

  report(): ServiceReport {
    return this.#report;
  }

  start(): void {
    this.#asking = this.#ask();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#asking;
  }

  async #ask(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const [health, handlers] = await Promise.all([
          this.#get<{ status: "ok" | "degraded"; pid: number }>("/health"),
          this.#get<HandlerReport[]>("/handlers"),
        ]);
        this.#report = { ...this.#report, status: health.status, pid: health.pid, handlers: handlers.map((handler) => this.#withRate(handler)) };
      } catch {
        this.#report = { ...this.#report, status: "down", pid: undefined };
      }
      await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #get<T>(path: string): Promise<T> {
    const response = await fetch(this.#report.url + path, { signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(2_000)]) });
    return (await response.json()) as T;
  }

  #withRate(handler: HandlerReport): WatchedHandler {
    const rate = this.#rates.get(handler.name) ?? new Rate();
    this.#rates.set(handler.name, rate);
    const before = this.#counts.get(handler.name) ?? handler.handled;
    this.#counts.set(handler.name, handler.handled);
    // A service that began anew counts from 0 again.
    rate.count(handler.handled >= before ? handler.handled - before : handler.handled);
    return { ...handler, perSecond: rate.perSecond() };
  }
}
