import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Message } from "millrace";
import { describe, expect, it } from "vitest";
import { ownBroker, sharedBroker } from "../../../test/brokers/index.ts";
import { readSome } from "../../../test/read-some.ts";
import type { KafkaPubSubOptions } from "./pub-sub.ts";
import { KafkaWorld } from "./testing/kafka-test.ts";
import { selfSigned } from "./testing/self-signed.ts";

describe("a broker with TLS", () => {
  it("is spoken to only when its certificate is trusted and names the host", { timeout: 120_000 }, async (context) => {
    const shared = sharedBroker("kafka"); // where it could be started there is a Java
    if ("notRun" in shared) return context.skip(shared.notRun);
    const folder = await mkdtemp(join(tmpdir(), "millrace-tls-"));
    context.onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const { keystore, password, certificate } = await selfSigned(folder, "localhost");
    const broker = await ownBroker("kafka", {
      config: `listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,PROXIED:SSL,CONTROLLER:PLAINTEXT
listener.name.proxied.ssl.keystore.type=PKCS12
listener.name.proxied.ssl.keystore.location=${keystore}
listener.name.proxied.ssl.keystore.password=${password}`,
    });
    if ("notRun" in broker) return context.skip(broker.notRun);
    context.onTestFinished(() => broker.remove());
    const world = new KafkaWorld(broker, context);
    const ca = await readFile(certificate);
    const at = (host: string, tls: KafkaPubSubOptions["tls"]): Partial<KafkaPubSubOptions> => ({
      url: `kafka://${host}:${broker.proxiedPort}`,
      brokerAddress: () => ({ host, port: broker.proxiedPort }),
      tls,
    });

    const trusted = world.open(at("localhost", { ca }));
    await trusted.publish(world.name, new Message("by its name"));
    await world.open(at("127.0.0.1", { ca, servername: "localhost" })).publish(world.name, new Message("by a name that is given"));
    const got = await readSome(await trusted.subscribe(world.name, { group: world.name }), 2);
    expect(got.map((message) => message.text()).sort()).toEqual(["by a name that is given", "by its name"]);

    for (const [text, options] of [
      ["self-signed certificate", at("localhost", true)],
      ["self-signed certificate", at("localhost", {})],
      ["does not match certificate", at("127.0.0.1", { ca })],
    ] as const) {
      const refused = { code: "BROKER_UNREACHABLE", message: expect.stringContaining(text) };
      await expect(world.open(options).subscribe(world.name)).rejects.toMatchObject(refused);
      await expect(world.open({ ...options, publishTimeoutMs: 1000 }).publish(world.name, new Message("never"))).rejects.toMatchObject({
        ...refused,
        outcomes: ["rejected"],
      });
    }
  });
});
