import { MillraceError } from "../../errors/index.ts";
import { laterTurn } from "../../internal/timers.ts";
import type { Chaos } from "../chaos-proxy.ts";

const unreachable = (): MillraceError => new MillraceError("the broker cannot be reached", { code: "BROKER_UNREACHABLE", retryable: true });
const lostLink = (): MillraceError => new MillraceError("the connection was lost", { code: "CONNECTION_LOST", retryable: true });

/** Between an adapter and its broker, in place of a network: what goes over it takes a turn of the event loop each way. */
export class LeasedWire implements Chaos {
  readonly #links: Set<LeasedLink> = new Set();
  #stalled: "no" | "both" | "answers" = "no";
  #refusing = false;
  /** What waits for the end of a stall, in order. */
  #waiting: (() => void)[] = [];
  #back: (() => void)[] = [];

  /** Resolves with a connection. `lost` is told a turn after it broke: what is sent meanwhile is lost with it. */
  connect(lost: (error: unknown) => void): Promise<LeasedLink> {
    return new Promise((resolve, reject) => {
      const accept = (): void => {
        if (this.#refusing) {
          reject(unreachable());
          return;
        }
        const link = new LeasedLink(this, lost, () => this.#links.delete(link));
        this.#links.add(link);
        resolve(link);
      };
      this.pass("both", () => this.pass("answers", accept));
    });
  }

  /** Runs `go` in a later turn, once nothing stands in the way of what goes in that direction. */
  pass(direction: "both" | "answers", go: () => void): void {
    laterTurn(() => {
      if (this.#stalled === "both" || this.#stalled === direction) this.#waiting.push(go);
      else go();
    });
  }

  /** Called when the broker can be reached again; at once if it can. */
  whenBack(go: () => void): void {
    if (this.#refusing) this.#back.push(go);
    else go();
  }

  cut(): void {
    for (const link of [...this.#links]) link.break();
  }

  refuse(): void {
    this.#refusing = true;
    this.cut();
  }

  stall(direction: "both" | "answers" = "both"): void {
    this.#stalled = direction;
  }

  heal(): void {
    this.#stalled = "no";
    this.#refusing = false;
    for (const go of this.#waiting.splice(0)) go();
    for (const go of this.#back.splice(0)) go();
  }

  async close(): Promise<void> {
    this.heal();
  }
}

/** One connection. */
export class LeasedLink {
  broken = false;
  readonly #wire: LeasedWire;
  readonly #lost: (error: unknown) => void;
  readonly #gone: () => void;
  /** Calls without an answer. */
  readonly #open: Set<(error: unknown) => void> = new Set();

  constructor(wire: LeasedWire, lost: (error: unknown) => void, gone: () => void) {
    this.#wire = wire;
    this.#lost = lost;
    this.#gone = gone;
  }

  /** Has the broker do it, and resolves with its answer; rejects with what it throws, and when the connection breaks before. */
  call<T>(request: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.broken) {
        reject(lostLink());
        return;
      }
      this.#open.add(reject);
      this.#wire.pass("both", () => {
        if (this.broken) return;
        const answer = answerOf(request);
        this.#wire.pass("answers", () => {
          if (!this.#open.delete(reject)) return;
          if ("error" in answer) reject(answer.error);
          else resolve(answer.value);
        });
      });
    });
  }

  /** What the broker tells by itself. */
  hear(told: () => void): void {
    this.#wire.pass("answers", () => {
      if (!this.broken) told();
    });
  }

  close(): void {
    this.broken = true;
    this.#gone();
    for (const reject of this.#open) reject(lostLink());
    this.#open.clear();
  }

  break(): void {
    this.close();
    laterTurn(() => this.#lost(lostLink()));
  }
}

function answerOf<T>(request: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: request() };
  } catch (error) {
    return { error };
  }
}
