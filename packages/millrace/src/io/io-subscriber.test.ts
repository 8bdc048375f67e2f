import { spawn } from "node:child_process";
import { PassThrough, Readable } from "node:stream";
import { afterEach, describe, expect, it, vi } from "vitest";
import { silentLogger } from "../logger/index.ts";
import { RecordingLogger } from "../logger/recording-logger.fixture.ts";
import { Message, type ReceivedMessage, type Subscription } from "../message/index.ts";
import { Router } from "../router/index.ts";
import { IoSubscriber, type IoSubscriberOptions, lossless } from "./index.ts";

const opened: IoSubscriber[] = [];
afterEach(() => Promise.all(opened.splice(0).map((subscriber) => subscriber[Symbol.asyncDispose]())));

function subscriberOf(options: IoSubscriberOptions): IoSubscriber {
  const subscriber = new IoSubscriber(options);
  opened.push(subscriber);
  return subscriber;
}

const texts = (messages: readonly ReceivedMessage[]): string[] => messages.map((message) => message.text());

/** Reads and acks to the end. */
async function readAll(subscription: Subscription): Promise<ReceivedMessage[]> {
  const messages: ReceivedMessage[] = [];
  for await (const message of subscription) {
    messages.push(message);
    message.ack();
  }
  return messages;
}

describe("IoSubscriber on a stream", () => {
  const sources: Record<string, () => NonNullable<IoSubscriberOptions["input"]>> = {
    "a Node stream": () => Readable.from([Buffer.from("one\ntw"), Buffer.from("o\nlast")]),
    "a Node stream of texts": () => Readable.from(["one\ntw", "o\nlast"], { objectMode: false, encoding: "utf8" }),
    "a web stream": () => new Blob(["one\ntwo\nlast"]).stream(),
    "an async iterable": async function* () {
      yield "one\nt";
      yield new TextEncoder().encode("wo\nlast");
    } as never,
  };
  for (const [name, make] of Object.entries(sources)) {
    it(`reads ${name} to its end, and ends`, async () => {
      const made = typeof make === "function" ? make() : make;
      const subscription = await subscriberOf({ input: made }).subscribe("stdin");
      const messages = await readAll(subscription);
      expect(texts(messages)).toEqual(["one", "two", "last"]);
      expect(messages.map(({ delivery }) => delivery.position)).toEqual(["0", "4", "8"]);
      await subscription.closed;
    });
  }

  it("hands out the next record when the last is acked, and a nacked one again", async () => {
    const subscription = await subscriberOf({ input: Readable.from(["1\n2\n3\n"]) }).subscribe("stdin");
    const iterator = subscription[Symbol.asyncIterator]();
    const first = (await iterator.next()).value as ReceivedMessage;
    const second = iterator.next();
    expect(await Promise.race([second, new Promise((resolve) => setImmediate(resolve, "waits"))])).toBe("waits");
    first.nack();
    const again = (await second).value as ReceivedMessage;
    expect([again.text(), again.id, again.delivery.attempt]).toEqual(["1", first.id, 2]);
    again.ack();
    const third = (await iterator.next()).value as ReceivedMessage;
    expect(third.text()).toBe("2");
    third.ack();
    ((await iterator.next()).value as ReceivedMessage).ack();
    expect((await iterator.next()).done).toBe(true);
  });

  it("does not end while a verdict is missing", async () => {
    const subscription = await subscriberOf({ input: Readable.from(["1\n"]) }).subscribe("stdin");
    const iterator = subscription[Symbol.asyncIterator]();
    const message = (await iterator.next()).value as ReceivedMessage;
    const end = iterator.next();
    expect(await Promise.race([end, new Promise((resolve) => setTimeout(resolve, 20, "waits"))])).toBe("waits");
    message.ack();
    expect((await end).done).toBe(true);
  });

  it("stops reading while its prefetch is full", async () => {
    let made = 0;
    const input = new Readable({
      highWaterMark: 1,
      read() {
        made++;
        this.push(Buffer.from(`${"x".repeat(1000)}\n`));
      },
    });
    const subscription = await subscriberOf({ input, prefetch: 5 }).subscribe("stdin");
    const iterator = subscription[Symbol.asyncIterator]();
    const message = (await iterator.next()).value as ReceivedMessage;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(made).toBeLessThan(12);
    message.ack();
    await subscription[Symbol.asyncDispose]();
    input.destroy();
  });

  it("goes on where the last subscription stopped, with what that one had not acked", async () => {
    const input = new PassThrough();
    const subscriber = subscriberOf({ input });
    const first = await subscriber.subscribe("stdin", { maxInFlight: 2, orderBy: "none" });
    await expect(subscriber.subscribe("stdin")).rejects.toMatchObject({ code: "SUBSCRIPTION_BUSY" });
    input.write("1\n2\n3\nhal");
    const iterator = first[Symbol.asyncIterator]();
    const [one, two] = [(await iterator.next()).value as ReceivedMessage, (await iterator.next()).value as ReceivedMessage];
    two.ack();
    await first[Symbol.asyncDispose]();
    expect(one.ack()).toBe(false);
    const second = await subscriber.subscribe("stdin");
    const reading = readAll(second);
    input.end("f\n4");
    expect(texts(await reading)).toEqual(["1", "3", "half", "4"]);
    await expect(subscriber.subscribe("stdin")).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("fails with the stream's error, after what was read before is settled", async () => {
    const input = new PassThrough();
    const failure = new Error("cut");
    const subscriber = subscriberOf({ input });
    const subscription = await subscriber.subscribe("stdin");
    input.write("1\n");
    const iterator = subscription[Symbol.asyncIterator]();
    const message = (await iterator.next()).value as ReceivedMessage;
    input.destroy(failure);
    const next = iterator.next();
    await vi.waitFor(() => expect(subscription.status().state).toBe("blocked"));
    expect(message.ack()).toBe(true);
    await expect(next).rejects.toMatchObject({ code: "INPUT_FAILED", cause: failure });
    await expect(subscription.closed).rejects.toMatchObject({ code: "INPUT_FAILED" });
    await expect(subscriber.subscribe("stdin")).rejects.toMatchObject({ code: "INPUT_FAILED" });
  });

  it("steps over the records of other topics", async () => {
    const records = ["a", "b", "a"].map((topic, index) => `${Buffer.from(lossless.marshal(topic, new Message(`${index}`, { key: "k" })))}\n`);
    const subscription = await subscriberOf({ input: Readable.from(records), marshaler: lossless }).subscribe("a");
    const messages = await readAll(subscription);
    expect(messages.map((message) => [message.text(), message.key])).toEqual([
      ["0", "k"],
      ["2", "k"],
    ]);
  });

  it("steps over what it cannot decode, counted in health, or gives it to the dead letter first", async () => {
    const input = (): Readable => Readable.from([`no json\n${Buffer.from(lossless.marshal("t", new Message("good")))}\n`]);
    const subscription = await subscriberOf({ input: input(), marshaler: lossless }).subscribe("t");
    expect(texts(await readAll(subscription))).toEqual(["good"]);
    expect(subscription.status().detail).toContain("1 undecodable, last at 0");

    const letters: string[] = [];
    let down = 1;
    const router = new Router({
      logger: silentLogger,
      subscriber: subscriberOf({ input: input(), marshaler: lossless }),
      failure: {
        deadLetter: {
          topic: "dead",
          publisher: {
            publish: async (_topic, message) => {
              if (down-- > 0) throw new Error("down");
              letters.push((message as Message).text());
            },
            close: async () => {},
            [Symbol.asyncDispose]: async () => {},
          },
        },
      },
    });
    const seen: string[] = [];
    router.addConsumerHandler({ name: "read", subscribe: "t", handle: (message) => void seen.push(`${letters} ${message.text()}`) });
    await router.run();
    expect(seen).toEqual(["no json good"]);
  });

  it("ends a router's run at its end, as work done and not as a failure", async () => {
    const logger = new RecordingLogger();
    const router = new Router({ subscriber: subscriberOf({ input: Readable.from(["one\ntwo\n"]) }), logger });
    const seen: string[] = [];
    router.addConsumerHandler({ name: "read", subscribe: "lines", handle: (message) => void seen.push(message.text()) });
    await router.run();
    expect(seen).toEqual(["one", "two"]);
    expect(router.health().live).toBe(true);
    expect(logger.lines.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
    expect(logger.saying("read to its end")).toMatchObject([{ level: "info", fields: { handler: "read" } }]);
  });

  it("lets go of a stream: the process ends although its standard input does not", async () => {
    const program = `
      import { IoSubscriber } from "millrace/io";
      const subscriber = new IoSubscriber({ input: process.stdin });
      for await (const message of await subscriber.subscribe("stdin")) { message.ack(); console.log(message.text()); break; }
      await subscriber.close();`;
    const child = spawn(process.execPath, ["--conditions=millrace:source", "--input-type=module", "-e", program], {
      cwd: new URL("../..", import.meta.url),
      stdio: ["pipe", "pipe", "inherit"],
    });
    child.stdin.write("hello\n");
    let out = "";
    child.stdout.on("data", (chunk) => (out += chunk));
    expect(await new Promise((resolve) => child.on("exit", resolve))).toBe(0);
    expect(out).toBe("hello\n");
  });

  it("names everything that is wrong with its options", async () => {
    const make = (options: object) => () => new IoSubscriber(options as never);
    expect(make({})).toThrow(/either input or file/);
    expect(make({ input: 7, follow: true, pollMs: 0, framing: {}, marshaler: {}, maxRecordBytes: 0, prefetch: 0 })).toThrow(
      /input must be.*follow needs file.*pollMs.*framing.*marshaler.*maxRecordBytes.*prefetch/,
    );
    const subscriber = subscriberOf({ input: Readable.from(["1\n"]) });
    await expect(subscriber.subscribe("t", { from: "earliest" })).rejects.toMatchObject({ code: "BAD_OPTION" });
    await subscriber.close();
    await subscriber.close();
    await expect(subscriber.subscribe("t")).rejects.toMatchObject({ code: "CLOSED" });
  });
});
