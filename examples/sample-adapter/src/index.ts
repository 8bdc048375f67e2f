import { OptionCheck, PublisherShell, PublishQueue, PubSubShell, type SubscriberParts, SubscriberShell } from "millrace/adapter";
import { capabilities } from "./capabilities.ts";
import type { ToyBroker, ToyRecord } from "./toy-broker.ts";
import { toySource } from "./toy-source.ts";
import { toyTarget } from "./toy-target.ts";

export { capabilities };

/** A pub/sub on the toy broker. A larger adapter has classes of its own for its two sides. */
export class ToyPubSub extends PubSubShell {
  constructor(options: { readonly broker: ToyBroker }) {
    new OptionCheck("ToyPubSub").known(options, { broker: true }).required("broker", options.broker).done();
    const { broker } = options;
    const rules = { subject: "ToyPubSub", adapter: "toy", otherCode: "TOY_ERROR", timeoutMs: 30_000, maxWaiting: 100_000 };
    super({
      capabilities,
      publisher: new PublisherShell({ capabilities, calls: new PublishQueue(rules, toyTarget(broker)) }),
      subscriber: new SubscriberShell("ToyPubSub", toyParts(broker)),
    });
  }
}

function toyParts(broker: ToyBroker): SubscriberParts<ToyRecord> {
  return {
    capabilities,
    reading: (topic, { group }) => ({ source: toySource(broker, topic, group as string), settings: { adapter: "toy" } }),
    provision: (topic, { group }) => broker.queue(topic, group as string),
    close: () => {},
  };
}
