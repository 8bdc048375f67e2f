import { type Handler, isPromise, type ReceivedMessage } from "../message/index.ts";

/**
 * Follows the innermost calls of a handler whose middleware may give up on them: a timeout fails a call on time, but the work may
 * go on. Until it has ended, or was abandoned, the message keeps its slot and its lane.
 */
export class StillRunning {
  readonly #calls: Map<string, Set<Promise<unknown>>> = new Map();

  follow(handler: Handler): Handler {
    return (message) => {
      const result = handler(message);
      if (isPromise(result)) this.#add(message.id, result);
      return result;
    };
  }

  /** Resolves when every call for this message has ended; undefined when none runs. */
  ended(message: ReceivedMessage): Promise<unknown> | undefined {
    const calls = this.#calls.get(message.id);
    return calls === undefined ? undefined : Promise.allSettled(calls);
  }

  #add(id: string, call: Promise<unknown>): void {
    const calls = this.#calls.get(id) ?? new Set();
    this.#calls.set(id, calls.add(call));
    const remove = (): void => {
      calls.delete(call);
      if (calls.size === 0 && this.#calls.get(id) === calls) this.#calls.delete(id);
    };
    call.then(remove, remove);
  }
}
