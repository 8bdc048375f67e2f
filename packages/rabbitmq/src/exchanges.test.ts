import { Message, OptionError } from "millrace";
import { describe, expect, it, onTestFinished } from "vitest";
import { sharedBroker } from "../../../test/brokers/index.ts";
import { readSome } from "../../../test/read-some.ts";
import { fromUrl } from "./from-url.ts";
import { mismatchCure } from "./mismatch-cure.ts";
import { RabbitMqPubSub } from "./pub-sub.ts";
import { bareChannel, fresh, openBus, present } from "./testing/with-broker.ts";
import { pubSubTopology, type RabbitMqTopology, topicExchangeTopology } from "./topology.ts";

const shared = sharedBroker("rabbitmq");

describe("an exchange of type headers", () => {
  it("sends by metadata to the queues whose binding's arguments fit", async (context) => {
    const { url } = present(context, shared);
    const [exchange, acme] = [fresh("by-tenant"), fresh("acme")];
    const topology: RabbitMqTopology = {
      ...pubSubTopology(),
      ...{ name: "tenants", exchangeType: "headers", exchange: () => exchange, queue: (tenant, group) => `${tenant}_${group}` },
      bindArguments: (tenant) => ({ "x-match": "all", tenant }),
    };
    const bus = openBus(url, { topology });
    const subscription = await bus.subscribe(acme, { group: "g" });
    const publish = (text: string, tenant: string): Promise<void> => bus.publish("any", new Message(text, { metadata: { tenant } }));
    await expect(publish("nobody's", "other")).rejects.toMatchObject({ code: "UNROUTABLE" });
    await publish("theirs", acme);
    expect((await readSome(subscription, 1))[0]?.text()).toBe("theirs");
  });
});

describe("the type of an exchange", () => {
  it.each(["fanuot", "", undefined, 7])("is refused at construction when it is %j", (exchangeType) => {
    const topology = { ...pubSubTopology(), exchangeType } as unknown as RabbitMqTopology;
    expect(() => new RabbitMqPubSub({ url: "amqp://localhost", topology })).toThrow(OptionError);
  });

  it("that the broker does not know is an OptionError, and nothing happens to the neighbours", async (context) => {
    const { url } = present(context, shared);
    const topic = fresh("plain");
    const topology = {
      ...pubSubTopology(),
      exchangeType: "x-unheard-of",
      exchange: (name: string) => (name === topic ? "" : name),
      publishKey: () => `${topic}_g`,
    };
    const bus = openBus(url, { topology });
    const subscription = await bus.subscribe(topic, { group: "g" });
    await bus.publish(topic, new Message("held"));
    const [held] = await readSome(subscription, 1, false);
    const odd = fresh("odd");
    const unknown = { code: "BAD_OPTION", retryable: false, message: expect.stringContaining("x-unheard-of") };
    await expect(bus.subscribe(odd, { group: "g" })).rejects.toMatchObject(unknown);
    await expect(bus.provision(odd, { group: "g" })).rejects.toMatchObject(unknown);
    await expect(bus.publish(odd, new Message("m"))).rejects.toMatchObject({ ...unknown, outcomes: ["rejected"] });
    await bus.publish(topic, new Message("next"));
    expect(subscription.status()).toMatchObject({ state: "running", lastError: undefined });
    expect(held?.ack()).toBe(true);
    expect((await readSome(subscription, 1))[0]?.text()).toBe("next");
  });
});

describe("Watermill's topic exchange, which is not durable", () => {
  it("is refused with its cure, and shared with what that says, in a URL too", async (context) => {
    const { url } = present(context, shared);
    const exchange = fresh("watermill-topics");
    const channel = await bareChannel(url);
    await channel.assertExchange(exchange, "topic", { durable: false });
    onTestFinished(() => channel.deleteExchange(exchange).then(() => {}));
    const refused = openBus(url, { exchange: {}, topology: topicExchangeTopology({ exchange }) });
    const mismatch = {
      code: "TOPIC_MISMATCH",
      message: expect.stringContaining("set exchangeDurable: false of topicExchangeTopology (exchangeDurable=false in a URL)"),
    };
    await expect(refused.subscribe("order.*", { group: "g" })).rejects.toMatchObject(mismatch);
    await expect(refused.publish("order.placed", new Message("m"))).rejects.toMatchObject(mismatch);
    const bus = fromUrl(`${url}?topology=topic&exchange=${exchange}&exchangeDurable=false`);
    onTestFinished(() => bus.close());
    const subscription = await bus.subscribe(`${exchange}.*`);
    await bus.publish(`${exchange}.placed`, new Message("m"));
    expect((await readSome(subscription, 1))[0]?.text()).toBe("m");
  });

  it("is no parameter of the other topologies", () => {
    expect(() => fromUrl("amqp://localhost?exchangeDurable=false")).toThrow(/exchangeDurable needs topology=topic/);
  });
});

describe("what is there with other settings", () => {
  it.each([
    ["arg 'durable' for queue 'q' in vhost '/': received 'true' but current is 'false'", "durable of the topology to false"],
    ["arg 'type' for exchange 'e' in vhost '/': received 'fanout' but current is 'topic'", "a topology whose exchangeType is that as it is there: 'topic'"],
    [
      "arg 'x-expires' for queue 'q' in vhost '/': received none but current is the value '50' of type 'long'",
      "queue.expiresMs as it is there: the value '50' of type 'long'",
    ],
    [
      "arg 'x-max-length' for queue 'q' in vhost '/': received the value '1' of type 'signedint' but current is none",
      "queue.arguments x-max-length as it is there: none",
    ],
  ])("names the option: %s", (text, cure) => {
    expect(mismatchCure(`PRECONDITION_FAILED - inequivalent ${text}`)).toContain(`; set ${cure}, delete the`);
  });

  it("says nothing of other faults", () => {
    expect(mismatchCure("PRECONDITION_FAILED - unknown delivery tag 7")).toBe("");
  });
});
