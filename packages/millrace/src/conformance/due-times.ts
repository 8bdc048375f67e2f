import assert from "node:assert/strict";
import { wallMs } from "../internal/timers.ts";
import { Message } from "../message/index.ts";
import type { HandOut, Probe } from "./probe.ts";
import { starvedMs } from "./starvation.ts";
import type { World } from "./world.ts";

const MOST_LATE_MS = 1_000;
const MOST_LATE_SHARE = 0.01;

/** Messages with delays, and whether each was handed out when it was to be. Time in which this process got no processor is not counted. */
export class DueTimes {
  readonly messages: readonly Message[];
  readonly #world: World;
  readonly #delays: readonly number[];
  readonly #starved: number = starvedMs();
  readonly #begin: number = wallMs();

  /** One message for each delay, in milliseconds; shorter where the adapter's limit is. Its payload is its place in the list. */
  constructor(world: World, delays: readonly number[], key?: string) {
    this.#world = world;
    this.#delays = delays.map((delayMs) => Math.min(delayMs, world.capabilities.maxPublishDelayMs));
    this.messages = this.#delays.map((delayMs, index) => new Message(String(index), { delayMs, key, metadata: { test: String(index) } }));
  }

  /** Waits until the probe has acked all of them, and fails when one came early, late, or twice. */
  async seenBy(probe: Probe): Promise<void> {
    const waitMs = Math.max(...this.#delays) + MOST_LATE_MS + this.#world.patienceMs;
    await probe.until(() => this.messages.every(({ id }) => probe.acked.has(id)), "every delayed message is acked", waitMs);
    const starved = starvedMs() - this.#starved; // asked once: a thousand looks would keep those that run beside us from their messages
    for (const [index, message] of this.messages.entries()) {
      const handOuts = probe.handOuts.filter(({ id }) => id === message.id);
      const [first] = handOuts;
      assert.equal(handOuts.length, 1, `a delayed message was handed out ${handOuts.length} times`);
      this.#check(first as HandOut, message, this.#delays[index] as number, starved);
    }
  }

  #check({ at }: HandOut, { dueAt }: Message, delayMs: number, starved: number): void {
    const late = at - (dueAt as Date).getTime();
    const allowed = Math.max(MOST_LATE_MS, delayMs * MOST_LATE_SHARE) * this.#world.pace + 2 * starved;
    assert.ok(late >= 0, `a message with a delay of ${delayMs} ms was handed out ${-late} ms early, ${at - this.#begin} ms after the beginning`);
    assert.ok(late <= allowed, `a message with a delay of ${delayMs} ms was handed out ${late} ms late, of ${allowed.toFixed(0)} ms allowed`);
  }
}
