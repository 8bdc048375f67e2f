import type { DrainOptions, HandlerHandle, Health } from "millrace";

/** What a router, a forwarder and a fan-in have in common. */
export interface Core {
  start(): Promise<void>;
  readonly started: Promise<void>;
  idle(): Promise<void>;
  health(): Health;
  close(options?: DrainOptions): Promise<void>;
  /** Resolves when it has closed, where it can tell. */
  readonly closed: Promise<void> | undefined;
  /** Only a router's: adds a handler, or adds it again. */
  add(name: string): HandlerHandle | undefined;
}
