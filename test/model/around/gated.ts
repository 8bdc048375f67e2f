import type { Subscriber } from "millrace";
import { sleep } from "millrace/adapter";
import type { World } from "../run/world.ts";

/** Subscribing takes time, or hangs. The subscription itself is handed on as it is. */
export function gated({ gate, program }: World): (subscriber: Subscriber) => Subscriber {
  return (subscriber) => ({
    subscribe: async (topic, options) => {
      await gate.pass();
      if (program.subscribeMs !== undefined) await sleep(program.subscribeMs);
      return await subscriber.subscribe(topic, options);
    },
    close: () => subscriber.close(),
    [Symbol.asyncDispose]: () => subscriber[Symbol.asyncDispose](),
  });
}
