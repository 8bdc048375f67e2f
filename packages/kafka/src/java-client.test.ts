import { Message } from "millrace";
import { describe, expect } from "vitest";
import { readSome } from "../../../test/read-some.ts";
import { kafkaTest } from "./testing/kafka-test.ts";

const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
/** Compressible, and no two lines alike. */
const lines = (codec: string): string[] => Array.from({ length: 50 }, (_, index) => `${codec}-${index} ${"the same again ".repeat(20)}`);

describe("Java's client", () => {
  kafkaTest("reads what is published here, with every codec", async (world) => {
    for (const compression of CODECS) {
      const bus = world.open({ compression, topics: { partitions: 1 } });
      await bus.publish(
        world.name,
        lines(compression).map((line, index) => new Message(line, { id: `${compression}${index}`, key: `k${index}`, metadata: { codec: compression } })),
      );
    }
    const count = CODECS.length * 50;
    const printed = await world.broker.tool("org.apache.kafka.tools.consumer.ConsoleConsumer", [
      ...["--bootstrap-server", `127.0.0.1:${world.broker.port}`, "--topic", world.name, "--from-beginning"],
      ...["--max-messages", String(count), "--timeout-ms", "20000"],
      ...["--formatter-property", "print.key=true", "--formatter-property", "print.headers=true"],
    ]);
    const expected = CODECS.flatMap((codec) =>
      lines(codec).map((line, index) => `_watermill_message_uuid:${codec}${index},codec:${codec}\tk${index}\t${line}`),
    );
    expect(printed.split("\n").filter((line) => line.includes("\t"))).toEqual(expected);
  });

  for (const codec of CODECS.slice(1)) {
    kafkaTest(`is read here: ${codec}`, async (world) => {
      const bus = world.open({ topics: { partitions: 1 } });
      await bus.provision(world.name);
      const at = ["--bootstrap-server", `127.0.0.1:${world.broker.port}`, "--topic", world.name, "--compression-codec", codec];
      const format = ["parse.key=true", "parse.headers=true", "headers.delimiter=|", "key.separator=="].flatMap((each) => ["--reader-property", each]);
      const input = lines(codec).map((line, index) => `a:${index},b:${codec}|k${index}=${line}\n`);
      await world.broker.tool("org.apache.kafka.tools.ConsoleProducer", [...at, ...format], input.join(""));
      const got = await readSome(await bus.subscribe(world.name), 50);
      expect(got.map((message) => [message.key, message.text(), Object.fromEntries(message.metadata)])).toEqual(
        lines(codec).map((line, index) => [`k${index}`, line, { a: String(index), b: codec }]),
      );
    });
  }
});
