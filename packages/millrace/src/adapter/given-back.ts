import { monotonicMs } from "../internal/timers.ts";
import type { Lane } from "./lane.ts";
import type { Received } from "./received.ts";

interface Before {
  readonly notBeforeMs: number;
  readonly attempt: number;
  readonly sequence: number;
}

/** Most that is remembered; a subscription parks no more than that by default. */
const MOST = 1000;

/**
 * What was given back or lost, and is perhaps handed to this subscription again. One that failed keeps the moment at which it is due, and
 * its attempts where the broker does not keep them, so that a connection that breaks over and over does not keep it from its dead letter;
 * one that others of its lane were handed out behind keeps its place before them.
 * Known by position and id, since positions begin anew when a topic is made anew; a message that has neither begins anew.
 */
export class GivenBack {
  readonly #known: Map<string, Before> = new Map();

  get size(): number {
    return this.#known.size;
  }

  /** Answers with the same messages. */
  remember(messages: readonly Received[]): readonly Received[] {
    const now = monotonicMs();
    for (const message of messages) {
      const { notBeforeMs, attempt, sequence } = message;
      if (notBeforeMs <= now && attempt === 1 && (message.lane as Lane | undefined)?.gathering !== true) continue;
      const name = nameOf(message);
      if (name === undefined) continue;
      if (this.#known.size >= MOST) this.#forgetOldest();
      this.#known.set(name, { notBeforeMs, attempt, sequence });
    }
    return messages;
  }

  /** The message as it is to be handed out: as it came, or with what is remembered of it. */
  restored(message: Received): Received {
    const name = nameOf(message);
    const before = name === undefined ? undefined : this.#known.get(name);
    if (before === undefined) return message;
    this.#known.delete(name as string);
    const again = message.again(Math.max(before.attempt, message.attempt), Math.max(before.notBeforeMs, message.notBeforeMs));
    again.sequence = before.sequence;
    return again;
  }

  /** Most likely it was taken by another member. */
  #forgetOldest(): void {
    for (const name of this.#known.keys()) {
      this.#known.delete(name);
      return;
    }
  }
}

function nameOf(message: Received): string | undefined {
  const { id } = message;
  const { position } = message.delivery;
  if (position !== undefined) return `at ${position}\n${id}`;
  return id === "" ? undefined : `id ${id}`;
}
