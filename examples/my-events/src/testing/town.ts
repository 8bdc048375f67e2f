import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, call } from "./api.ts";
import { type Running, run } from "./processes.ts";

export type ServiceName = "events" | "bookings";

/** Both services as processes, with clients that do not give up. */
export class Town {
  readonly env: Readonly<Record<string, string>>;
  readonly #running: Map<ServiceName, Running> = new Map();

  constructor(env: Readonly<Record<string, string>>) {
    this.env = env;
  }

  start(): void {
    for (const name of ["events", "bookings"] as const) this.#running.set(name, run([name], this.env));
  }

  /** Ends both; how each of them ended. */
  async end(signal: NodeJS.Signals): Promise<readonly (number | string)[]> {
    const ends = await Promise.all([...this.#running.values()].map((one) => one.end(signal)));
    this.#running.clear();
    return ends;
  }

  // biome-ignore lint/suspicious/noExplicitAny: the answers are compared with what a test wrote down
  async get(name: ServiceName, path: string): Promise<any> {
    return (await call(this.#url(name), "GET", path)).body;
  }

  /** As a careful client does it: no answer means asking again, with the same key. */
  async insist(name: ServiceName, method: string, path: string, body: unknown, key: string): Promise<Answer> {
    for (;;) {
      try {
        const answer = await call(this.#url(name), method, path, body, { "idempotency-key": key });
        if (answer.status !== 503) return answer;
      } catch {
        // The service is dead or died before it answered.
      }
      await sleep(20);
    }
  }

  #url(name: ServiceName): string {
    return `http://127.0.0.1:${this.env[name === "events" ? "EVENTS_PORT" : "BOOKINGS_PORT"]}`;
  }
}
