import { appendFile, type FileHandle, mkdir, mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { deferred } from "../internal/deferred.ts";
import { Message } from "../message/index.ts";
import { IoPublisher, IoSubscriber, lengthPrefixed, lines, lossless } from "./index.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-io-"));
});
afterEach(() => rm(folder, { recursive: true }));

const messages = (...texts: string[]): Message[] => texts.map((text) => new Message(text));

/** Takes a chunk at a time; `onChunk` says when, or how it fails. */
function slowStream(onChunk: (chunk: Buffer, number: number) => Promise<void>, highWaterMark = 10): { stream: Writable; chunks: string[] } {
  const chunks: string[] = [];
  const stream = new Writable({
    highWaterMark,
    write(chunk: Buffer, _encoding, done) {
      onChunk(chunk, chunks.length).then(() => {
        chunks.push(chunk.toString());
        done();
      }, done);
    },
  });
  return { stream, chunks };
}

describe("IoPublisher", () => {
  it("refuses a message that is not due with DELAY_UNSUPPORTED, writes what is before it in the call, and nothing behind it", async () => {
    const { stream, chunks } = slowStream(() => Promise.resolve());
    const publisher = new IoPublisher({ output: stream });
    const later = new Message("later", { delayMs: 60_000 });
    const call = publisher.publish("t", [new Message("before"), later, new Message("behind")]);
    await expect(call).rejects.toMatchObject({ code: "DELAY_UNSUPPORTED", outcomes: ["confirmed", "rejected", "rejected"] });
    await expect(publisher.publish("t", later)).rejects.toMatchObject({ code: "DELAY_UNSUPPORTED", outcomes: ["rejected"] });
    await publisher.publish("t", new Message("due", { delayMs: 0 }));
    expect(chunks).toEqual(["before\n", "due\n"]);
    await publisher.close();
  });

  it("writes records whole and in order, whoever publishes at once, and resolves when they are taken", async () => {
    const { stream, chunks } = slowStream(() => new Promise((resolve) => setImmediate(resolve)));
    const publisher = new IoPublisher({ output: stream });
    const done: string[] = [];
    const publish = async (...texts: string[]): Promise<void> => {
      await publisher.publish("t", messages(...texts));
      done.push(...texts);
      expect(chunks.join("")).toContain(`${texts.at(-1)}\n`);
    };
    await Promise.all([publish("1", "2", "3"), publish("4"), publish("x".repeat(5000)), publish("5", "6")]);
    expect(chunks.join("").split("\n")).toEqual(["1", "2", "3", "4", "x".repeat(5000), "5", "6", ""]);
    expect(done).toHaveLength(7);
    await publisher.close();
    expect(stream.writable).toBe(true);
    expect(stream.listenerCount("error")).toBe(0);
  });

  it("writes nothing on top of a full buffer", async () => {
    let most = 0;
    const { stream } = slowStream(async () => {
      most = Math.max(most, stream.writableLength);
      await new Promise((resolve) => setImmediate(resolve));
    });
    const publisher = new IoPublisher({ output: stream });
    await Promise.all(Array.from({ length: 40 }, () => publisher.publish("t", new Message("y".repeat(8000)))));
    expect(most).toBeLessThan(3 * 16 * 1024);
    await publisher.close();
  });

  it("writes to a web stream", async () => {
    const chunks: string[] = [];
    let closed = false;
    const output = new WritableStream<Uint8Array>({
      write: (chunk) => void chunks.push(Buffer.from(chunk).toString()),
      close: () => {
        closed = true;
      },
    });
    const publisher = new IoPublisher({ output, framing: lines({ crlf: true }), end: true });
    await publisher.publish("t", messages("1", "2"));
    await publisher.close();
    expect([chunks.join(""), closed]).toEqual(["1\r\n2\r\n", true]);
  });

  it("tells of each record what became of it when the stream fails", async () => {
    const failure = new Error("pipe broke");
    const { stream, chunks } = slowStream(async (_chunk, number) => {
      if (number === 2) throw failure;
    });
    const publisher = new IoPublisher({ output: stream });
    const first = publisher.publish("t", messages("1", "2", "3", "4"));
    const second = publisher.publish("t", messages("5"));
    await expect(first).rejects.toMatchObject({ code: "WRITE_FAILED", cause: failure, outcomes: ["confirmed", "confirmed", "unknown", "unknown"] });
    await expect(second).rejects.toMatchObject({ code: "WRITE_FAILED" });
    await expect(publisher.publish("t", messages("6"))).rejects.toMatchObject({ code: "WRITE_FAILED", outcomes: ["rejected"] });
    expect(chunks).toEqual(["1\n", "2\n"]);
    await publisher.close();

    const broken = new WritableStream({
      write: () => {
        throw failure;
      },
    });
    await expect(new IoPublisher({ output: broken }).publish("t", messages("1"))).rejects.toMatchObject({ cause: failure, outcomes: ["unknown"] });
  });

  it("takes a stream whose own code throws for one that failed, then and later", async () => {
    const failure = new Error("not implemented");
    const stream = new Writable({
      write: () => {
        throw failure;
      },
    });
    const publisher = new IoPublisher({ output: stream });
    await expect(publisher.publish("t", messages("1", "2"))).rejects.toMatchObject({ code: "WRITE_FAILED", cause: failure, outcomes: ["unknown", "unknown"] });
    await expect(publisher.publish("t", messages("3"))).rejects.toMatchObject({ code: "WRITE_FAILED", cause: failure, outcomes: ["rejected"] });
    await publisher.close();
  });

  it("closes in its time although the stream does not end", async () => {
    const stream = new Writable({ write: (_chunk, _encoding, done) => done(), final: () => {} });
    const publisher = new IoPublisher({ output: stream, publishTimeoutMs: 20, end: true });
    await publisher.publish("t", messages("1"));
    await publisher.close();
    expect(stream.writableEnded).toBe(true);
  });

  it("gives up a wait by its time or its signal, and writes nothing later of what had not begun", async () => {
    const release = deferred<void>();
    const { stream, chunks } = slowStream(() => release.promise);
    const publisher = new IoPublisher({ output: stream, publishTimeoutMs: 20, maxWaiting: 3 });
    const stop = new AbortController();
    const big = "b".repeat(20_000);
    const first = publisher.publish("t", messages(big, "2"));
    const second = publisher.publish("t", messages("3"), { signal: stop.signal });
    await expect(publisher.publish("t", messages("full"))).rejects.toMatchObject({ code: "BUFFER_FULL", outcomes: ["rejected"] });
    stop.abort(new Error("enough"));
    await expect(second).rejects.toMatchObject({ code: "PUBLISH_ABORTED", outcomes: ["rejected"] });
    await expect(first).rejects.toMatchObject({ code: "PUBLISH_TIMEOUT", outcomes: ["unknown", "rejected"] });
    await expect(publisher.publish("t", messages("4"), { signal: stop.signal })).rejects.toMatchObject({ code: "PUBLISH_ABORTED" });
    await publisher.close();
    release.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(chunks.join("")).toBe(`${big}\n`);
    stream.destroy();
  });

  it("refuses what would not be read back as it was, before anything is written", async () => {
    const output = new PassThrough();
    const publisher = new IoPublisher({ output });
    await expect(publisher.publish("t", messages("fine", "two\nlines"))).rejects.toMatchObject({
      code: "RECORD_UNENCODABLE",
      outcomes: ["rejected", "rejected"],
    });
    await publisher.publish("t", []);
    await publisher.close();
    await publisher.close();
    await expect(publisher.publish("t", messages("late"))).rejects.toMatchObject({ code: "CLOSED", outcomes: ["rejected"] });
    expect(output.read()).toBeNull();
  });

  it("appends to a file, and what it wrote is read back whole", async () => {
    const file = join(folder, "log");
    for (const texts of [["1", "2"], ["3"]]) {
      const publisher = new IoPublisher({ file, marshaler: lossless, sync: true });
      await publisher.publish(
        "t",
        texts.map((text) => new Message(text, { id: `id-${text}`, key: "k", metadata: { n: text } })),
      );
      await publisher.close();
    }
    const subscriber = new IoSubscriber({ file, marshaler: lossless });
    const read: unknown[] = [];
    for await (const message of await subscriber.subscribe("t")) {
      read.push([message.text(), message.id, message.key, message.metadata.get("n")]);
      message.ack();
    }
    expect(read).toEqual(["1", "2", "3"].map((text) => [text, `id-${text}`, "k", text]));
    await subscriber.close();
  });

  it("tells when a file cannot be opened, and tries again the next time", async () => {
    const file = join(folder, "missing", "log");
    const publisher = new IoPublisher({ file, framing: lengthPrefixed({ bytes: 1 }) });
    await expect(publisher.publish("t", messages("1"))).rejects.toMatchObject({ code: "WRITE_FAILED", cause: { code: "ENOENT" }, outcomes: ["rejected"] });
    await mkdir(join(folder, "missing"));
    await publisher.publish("t", messages("1"));
    await publisher[Symbol.asyncDispose]();
    expect([...(await readFile(file))]).toEqual([1, 49]);
  });

  it("takes half a record off again when the disk is full, unless another writer has come behind it", async () => {
    const file = join(folder, "log");
    const other = await open(file, "a");
    const publisher = new IoPublisher({ file });
    await publisher.publish("t", messages("first"));
    const { write } = other;
    let calls = 0;
    let meanwhile = async (): Promise<void> => {};
    const spy = vi.spyOn(Object.getPrototypeOf(other), "write").mockImplementation(async function (this: FileHandle, ...[bytes]: unknown[]) {
      if (++calls % 2 === 1) return await write.call(this, (bytes as Uint8Array).subarray(0, 9) as never);
      await meanwhile();
      throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
    } as never);
    const outcomes = ["confirmed", "rejected", "rejected"];
    await expect(publisher.publish("t", messages("second", "third", "fourth"))).rejects.toMatchObject({ cause: { code: "ENOSPC" }, outcomes });
    expect(await readFile(file, "utf8")).toBe("first\nsecond\n");
    meanwhile = async () => await appendFile(file, "other\n");
    await expect(publisher.publish("t", messages("second", "third"))).rejects.toMatchObject({ outcomes: ["confirmed", "unknown"] });
    spy.mockRestore();
    expect(await readFile(file, "utf8")).toBe("first\nsecond\nsecond\nthother\n");
    await publisher.publish("t", messages("last"));
    expect(await readFile(file, "utf8")).toBe("first\nsecond\nsecond\nthother\nlast\n");
    await publisher.close();
    await other.close();
  });

  it("names everything that is wrong with its options", () => {
    const make = (options: object) => () => new IoPublisher(options as never);
    expect(make({})).toThrow(/either output or file/);
    expect(make({ output: {}, sync: true, publishTimeoutMs: 0, maxWaiting: 0 })).toThrow(/output must be.*sync needs file.*publishTimeoutMs.*maxWaiting/);
    expect(make({ file: "f", end: true })).toThrow(/end needs output/);
  });
});
