import { type PullEntry, PullSource, type Source } from "millrace/adapter";
import { decode } from "./codec.ts";
import type { ToyBroker, ToyQueue, ToyRecord } from "./toy-broker.ts";

/** What the broker gave us of a record. */
export type ToyEntry = ToyRecord & PullEntry;

interface ToyLink {
  readonly queue: ToyQueue;
  readonly wake: () => void;
}

/** Fetching, settling and giving back: all that a broker family has to supply for a subscription. */
export function toySource(broker: ToyBroker, topic: string, group: string): Source<ToyEntry> {
  return new PullSource<ToyEntry, ToyLink>(
    {
      connect(desk) {
        const link = { queue: broker.queue(topic, group), wake: () => desk.wake() };
        link.queue.members.add(link.wake);
        return link;
      },
      disconnect: ({ queue, wake }) => void queue.members.delete(wake),
      fetch({ queue }, { count }) {
        const records = queue.waiting.splice(0, count);
        queue.inHand += records.length;
        return records.map((record) => ({ ...record })); // an object of our own for each delivery
      },
      settle({ queue }, verdicts) {
        queue.inHand -= verdicts.length; // an acked record has left the queue already; a real broker is told here, in batches
      },
      release({ queue }, messages) {
        queue.inHand -= messages.length;
        queue.waiting.push(...messages.map(({ receipt: { offset, bytes } }) => ({ offset, bytes })));
        queue.waiting.sort((one, other) => one.offset - other.offset);
        for (const wake of queue.members) wake();
      },
      receive: decode,
      raw: ({ offset, bytes }) => ({ position: String(offset), payload: Buffer.from(bytes) }),
      describe: ({ receipt, key }) => ({ position: String(receipt.offset), orderingKey: key }),
      lag: ({ queue }) => queue.waiting.length + queue.inHand,
      caughtUp: ({ queue }) => queue.waiting.length === 0,
    },
    { pollMs: Infinity }, // its broker tells when there is something
  );
}
