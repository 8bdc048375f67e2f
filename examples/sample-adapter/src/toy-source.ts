import { equalBackoffMs, type Intake, type Session, type Source, sleep } from "millrace/adapter";
import { decode } from "./codec.ts";
import type { ToyBroker, ToyRecord } from "./toy-broker.ts";

/** Fetching and settling: all that a broker family has to supply for a subscription. */
export function toySource(broker: ToyBroker, topic: string, group: string): Source<ToyRecord> {
  return {
    open(intake: Intake<ToyRecord>, signal: AbortSignal): Session<ToyRecord> {
      const queue = broker.queue(topic, group);
      let wanted = 0;
      const putBack = (records: readonly ToyRecord[]): void => {
        queue.waiting.push(...records);
        queue.waiting.sort((one, other) => one.offset - other.offset);
        for (const wake of queue.members) wake();
      };
      /** Until the dead letter, if there is one, has the record. */
      const stepOver = async (record: ToyRecord, error: unknown, attempt = 1): Promise<void> => {
        await intake.undecodable({ position: String(record.offset), payload: Buffer.from(record.bytes), error }, attempt > 1).catch(async () => {
          await sleep(equalBackoffMs(attempt, 100, 5_000), signal);
          await stepOver(record, error, attempt + 1);
        });
      };
      const deal = (): void => {
        while (wanted > 0 && queue.waiting.length > 0) {
          const record = queue.waiting.shift() as ToyRecord;
          try {
            const message = decode(record);
            queue.inHand++;
            wanted--; // first: delivering may ask for more
            intake.deliver(message);
          } catch (error) {
            stepOver(record, error).catch(() => putBack([record])); // closed meanwhile
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
          putBack(messages.map(({ receipt }) => receipt));
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
