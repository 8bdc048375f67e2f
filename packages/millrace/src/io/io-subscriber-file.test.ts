import { appendFile, mkdtemp, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../logger/index.ts";
import type { ReceivedMessage, Subscription } from "../message/index.ts";
import { readMessages } from "../message/read-messages.ts";
import { Router } from "../router/index.ts";
import { IoSubscriber, type IoSubscriberOptions, lengthPrefixed } from "./index.ts";

let folder: string;
let path: string;
const opened: IoSubscriber[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-io-"));
  path = join(folder, "records");
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((subscriber) => subscriber[Symbol.asyncDispose]()));
  await rm(folder, { recursive: true });
});

function subscriberOf(options: IoSubscriberOptions): IoSubscriber {
  const subscriber = new IoSubscriber({ pollMs: 5, ...options });
  opened.push(subscriber);
  return subscriber;
}

const texts = (messages: readonly ReceivedMessage[]): string[] => messages.map((message) => message.text());
const read = async (subscription: Subscription, count: number): Promise<string[]> =>
  texts((await readMessages(subscription, { count, idleMs: 5000 })).messages);

/** Reads and acks to the end. */
async function readAll(subscription: Subscription): Promise<ReceivedMessage[]> {
  const messages: ReceivedMessage[] = [];
  for await (const message of subscription) {
    messages.push(message);
    message.ack();
  }
  return messages;
}

describe("IoSubscriber on a file", () => {
  it("reads it whole, from any record's position, as often as one likes", async () => {
    await writeFile(path, "zero\none\ntwo\nlast");
    const subscriber = subscriberOf({ file: path });
    const all = await readAll(await subscriber.subscribe("lines"));
    expect(texts(all)).toEqual(["zero", "one", "two", "last"]);
    const position = all[2]?.delivery.position as string;
    expect(texts(await readAll(await subscriber.subscribe("lines", { from: { position } })))).toEqual(["two", "last"]);
    expect(await readAll(await subscriber.subscribe("lines", { from: "latest" }))).toEqual([]);
    for (const from of [{ time: new Date() }, { position: "x" }])
      await expect(subscriber.subscribe("lines", { from })).rejects.toMatchObject({ code: "BAD_OPTION" });
  });

  it("remembers the place of each group, and refuses it a second subscription at a time", async () => {
    await writeFile(path, "1\n2\n3\n");
    const subscriber = subscriberOf({ file: path });
    const first = await subscriber.subscribe("lines", { group: "g" });
    await expect(subscriber.subscribe("lines", { group: "g" })).rejects.toMatchObject({ code: "SUBSCRIPTION_BUSY" });
    expect(await read(first, 2)).toEqual(["1", "2"]);
    await first.close();
    expect(texts(await readAll(await subscriber.subscribe("lines", { group: "g" })))).toEqual(["3"]);
    await expect(subscriber.subscribe("lines", { group: "g" })).rejects.toMatchObject({ code: "CLOSED" });
    expect(texts(await readAll(await subscriber.subscribe("lines", { group: "other" })))).toEqual(["1", "2", "3"]);
  });

  it("passes the file system's error through", async () => {
    await expect(subscriberOf({ file: path }).subscribe("lines")).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("follows a file that grows, and gives out a line when its line break has come", async () => {
    await writeFile(path, "old\n");
    const subscription = await subscriberOf({ file: path, follow: true }).subscribe("lines");
    expect(await read(subscription, 1)).toEqual(["old"]);
    const reading = readMessages(subscription, { count: 1, idleMs: 60 });
    await appendFile(path, "hal");
    expect((await reading).messages).toEqual([]);
    await appendFile(path, "f\nnext\n");
    expect(await read(subscription, 2)).toEqual(["half", "next"]);
  });

  it("begins at the end that a file has, when told to", async () => {
    await writeFile(path, "old\n");
    const subscription = await subscriberOf({ file: path, follow: true }).subscribe("lines", { from: "latest" });
    await appendFile(path, "new\n");
    expect(await read(subscription, 1)).toEqual(["new"]);
  });

  it("waits for a file that is not there yet", async () => {
    const subscription = await subscriberOf({ file: path, follow: true }).subscribe("lines");
    const reading = read(subscription, 1);
    await writeFile(path, "first\n");
    expect(await reading).toEqual(["first"]);
  });

  it("goes on in the new file when the old one was moved away, after the last of the old", async () => {
    await writeFile(path, "1\n");
    const subscription = await subscriberOf({ file: path, follow: true }).subscribe("lines");
    expect(await read(subscription, 1)).toEqual(["1"]);
    await appendFile(path, "2\nno line break");
    await rename(path, `${path}.1`);
    await writeFile(path, "3\n");
    const { messages } = await readMessages(subscription, { count: 3, idleMs: 5000 });
    expect(texts(messages)).toEqual(["2", "no line break", "3"]);
    expect(messages.at(-1)?.delivery.position).toBe("0");
  });

  it("begins with the new file when the old one was moved away while nobody read, however long the new one is", async () => {
    for (const unfinished of ["", "half of a li"]) {
      await writeFile(path, `1\n${unfinished}`);
      const subscriber = subscriberOf({ file: path, follow: true });
      const first = await subscriber.subscribe("lines", { group: "g" });
      expect(await read(first, 1)).toEqual(["1"]);
      await first.close();
      await rename(path, `${path}.1`);
      await writeFile(path, "a line that is longer than all before it\nnext\n");
      const second = await subscriber.subscribe("lines", { group: "g" });
      const { messages } = await readMessages(second, { count: 2, idleMs: 5000 });
      expect(texts(messages)).toEqual(["a line that is longer than all before it", "next"]);
      expect(messages[0]?.delivery.position).toBe("0");
      await second.close();
    }
  });

  it("begins anew when the file was emptied", async () => {
    await writeFile(path, "first\nsecond\nno line break");
    const subscription = await subscriberOf({ file: path, follow: true }).subscribe("lines");
    expect(await read(subscription, 2)).toEqual(["first", "second"]);
    const reading = read(subscription, 1);
    await truncate(path);
    await appendFile(path, "anew\n");
    expect(await reading).toEqual(["anew"]);
  });

  it("closes while it waits for more, and goes on from there", async () => {
    await writeFile(path, "1\nha");
    const subscriber = subscriberOf({ file: path, follow: true });
    const first = await subscriber.subscribe("lines", { group: "g" });
    expect(await read(first, 1)).toEqual(["1"]);
    await first.close();
    await appendFile(path, "lf\n");
    expect(await read(await subscriber.subscribe("lines", { group: "g" }), 1)).toEqual(["half"]);
  });

  it("reads a large file of binary records through a router, with the event loop free", async () => {
    const framing = lengthPrefixed({ bytes: 2 });
    const count = 50_000;
    await writeFile(path, Buffer.concat(Array.from({ length: count }, (_, index) => Buffer.from(framing.frame(Buffer.from(`\n${index}`))))));
    const router = new Router({ subscriber: subscriberOf({ file: path, framing }), logger: silentLogger });
    let expected = 0;
    let inOrder = true;
    router.addConsumerHandler({
      name: "count",
      subscribe: "records",
      handle: (message) => {
        inOrder &&= message.text() === `\n${expected++}`;
      },
    });
    await router.run();
    expect([expected, inOrder]).toEqual([count, true]);
  });
});
