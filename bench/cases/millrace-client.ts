import { Message, type ReceivedMessage, Router } from "millrace";
import { brokerBus } from "./broker-bus.ts";
import { type BrokerClient, type Handle, NOTE, type Reading, type ReadingWay } from "./broker-client.ts";

/** The adapters as a user has them, with their defaults. */
export function millraceClient(url: string): BrokerClient {
  const bus = brokerBus(url);
  return {
    publish: (topic, payloads) =>
      bus.publish(topic, payloads.length === 1 ? new Message(payloads[0] as Buffer) : payloads.map((payload) => new Message(payload))),
    consume: (topic, group, handle, way) => (way.reader === "router" ? route(bus, topic, group, handle, way) : iterate(bus, topic, group, handle, way)),
    close: () => bus.close(),
  };
}

async function route(
  bus: ReturnType<typeof brokerBus>,
  topic: string,
  group: string,
  handle: Handle,
  { concurrency, payloadOnly }: ReadingWay,
): Promise<Reading> {
  const router = new Router({ subscriber: bus });
  router.addConsumerHandler({
    name: group,
    group,
    subscribe: topic,
    concurrency,
    handle: payloadOnly === true ? (message) => handle(message.payload, "", undefined, undefined) : (message) => read(message, handle),
  });
  await router.start();
  // To close a router is to wait for its verdicts.
  return { settled: () => router.close(), close: () => router.close() };
}

async function iterate(bus: ReturnType<typeof brokerBus>, topic: string, group: string, handle: Handle, { concurrency }: ReadingWay): Promise<Reading> {
  const subscription = await bus.subscribe(topic, { group, maxInFlight: concurrency });
  const reading = (async () => {
    for await (const message of subscription) {
      read(message, handle);
      message.ack();
    }
  })();
  return {
    settled: () => subscription.flush(),
    close: async () => {
      await subscription.close();
      await reading;
    },
  };
}

function read(message: ReceivedMessage, handle: Handle): void {
  handle(message.payload, message.id, message.key, message.metadata.get(NOTE));
}
