import type { PublishTarget } from "millrace/adapter";
import { encode } from "./codec.ts";
import type { ToyBroker } from "./toy-broker.ts";

interface ToyItem {
  readonly topic: string;
  readonly bytes: string;
}

/** Encoding and sending: all that a broker family has to supply for publishing. */
export function toyTarget(broker: ToyBroker): PublishTarget<ToyItem, ToyBroker> {
  return {
    encode: (topic, message) => ({ topic, bytes: encode(message) }),
    bytesOf: ({ bytes }) => bytes.length,
    connect: () => broker, // a real one is dialled here
    send(link, batch) {
      for (const message of batch) {
        link.append(message.item.topic, message.item.bytes);
        message.confirm(); // a real broker answers later, and may refuse
      }
    },
    disconnect() {},
  };
}
