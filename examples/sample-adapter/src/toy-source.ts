import type { Intake, Session, Source } from "millrace/adapter";
import { decode } from "./codec.ts";
import type { ToyBroker, ToyRecord } from "./toy-broker.ts";

/** Fetching and settling: all that a broker family has to supply for a subscription. */
export function toySource(broker: ToyBroker, topic: string, group: string): Source<ToyRecord> {
  return {
    open(intake: Intake<ToyRecord>): Session<ToyRecord> {
      const queue = broker.queue(topic, group);
      let wanted = 0;
      const deal = (): void => {
        while (wanted > 0 && queue.waiting.length > 0) {
          const record = queue.waiting.shift() as ToyRecord;
          try {
            const message = decode(record);
            queue.inHand++;
            wanted--; // first: delivering may ask for more
            intake.deliver(message);
          } catch (error) {
            void intake.undecodable({ position: String(record.offset), payload: Buffer.from(record.bytes), error });
          }
        }
      };
      queue.members.add(deal);
      return {
        want(count) {
          wanted = count;
          deal();
        },
        settle(verdicts) {
          queue.inHand -= verdicts.length; // an acked record has left the queue already; a real broker is told here, in batches
        },
        giveBack(messages) {
          queue.inHand -= messages.length;
          queue.waiting.push(...messages.map(({ receipt }) => receipt));
          queue.waiting.sort((one, other) => one.offset - other.offset);
          for (const wake of queue.members) wake();
        },
        describe: ({ receipt, key }) => ({ position: String(receipt.offset), orderingKey: key }),
        lag: () => queue.waiting.length + queue.inHand,
        caughtUp: () => queue.waiting.length === 0,
        close() {
          queue.members.delete(deal);
        },
      };
    },
  };
}
