import { monotonicMs } from "../internal/timers.ts";
import type { Received } from "./received.ts";

interface Due {
  readonly atMs: number;
  readonly attempt: number;
}

/** Most that is remembered; a subscription parks no more than that by default. */
const MOST = 1000;

/**
 * What failed, was given back before it was due, and is perhaps handed to this subscription again: it keeps its moment, and its attempts
 * where the broker does not keep them. Known by position, by id where there is none; a message that has neither begins anew.
 */
export class DueTimes {
  readonly #known: Map<string, Due> = new Map();

  get size(): number {
    return this.#known.size;
  }

  remember(messages: readonly Received[]): void {
    const now = monotonicMs();
    for (const message of messages) {
      const { notBeforeMs, attempt } = message;
      if (notBeforeMs <= now) continue;
      const name = nameOf(message);
      if (name === undefined) continue;
      if (this.#known.size >= MOST) this.#clean(now);
      if (this.#known.size < MOST) this.#known.set(name, { atMs: notBeforeMs, attempt });
    }
  }

  /** The message as it is to be handed out: as it came, or with what is remembered of it. */
  restored(message: Received): Received {
    const name = nameOf(message);
    const due = name === undefined ? undefined : this.#known.get(name);
    if (due === undefined) return message;
    this.#known.delete(name as string);
    return message.again(Math.max(due.attempt, message.attempt), Math.max(due.atMs, message.notBeforeMs));
  }

  /** What is long due was taken by another member. */
  #clean(now: number): void {
    for (const [name, { atMs }] of this.#known) if (atMs <= now) this.#known.delete(name);
  }
}

function nameOf(message: Received): string | undefined {
  const { position } = message.delivery;
  if (position !== undefined) return `at ${position}`;
  return message.id === "" ? undefined : `id ${message.id}`;
}
