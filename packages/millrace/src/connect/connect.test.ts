import { describe, expect, it } from "vitest";
import { MillraceError, type OptionError } from "../errors/index.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { connect } from "./index.ts";

async function problemOf(...given: readonly unknown[]): Promise<{ readonly code: string; readonly problems: readonly string[] }> {
  try {
    await (connect as (...all: readonly unknown[]) => Promise<unknown>)(...given);
  } catch (error) {
    const { code, problems } = error as OptionError;
    return { code, problems };
  }
  throw new Error("it connected");
}

const module = { fromUrl: () => new MemoryPubSub() };
const load = async () => module;

describe("connect", () => {
  it("gives the URL to the adapter of its scheme, whatever its case", async () => {
    const urls: string[] = [];
    const bus = await connect("Broker+tls://host", {
      "broker+tls": async () => ({ fromUrl: (url) => new MemoryPubSub({ bufferSize: urls.push(url) }) }),
    });
    expect(urls).toEqual(["Broker+tls://host"]);
    await bus.close();
  });

  it.each([
    [
      "kafak://x",
      {},
      'no adapter for the scheme "kafak:", did you mean "kafka:"?; known are memory:; give connect { kafka: () => import("@millrace/kafka") }, and npm install @millrace/kafka',
    ],
    [
      "kafka://x",
      { sqlite: load },
      'no adapter for the scheme "kafka:"; known are memory:, sqlite:; give connect { kafka: () => import("@millrace/kafka") }, and npm install @millrace/kafka',
    ],
    ["rabbitmq://x", { amqp: load }, 'no adapter for the scheme "rabbitmq:", did you mean "amqp:"?; known are memory:, amqp:'],
    [
      "amqp://x",
      { rabbitmq: load },
      'no adapter for the scheme "amqp:"; known are memory:, rabbitmq:; give connect { amqp: () => import("@millrace/rabbitmq") }, and npm install @millrace/rabbitmq',
    ],
    ["mem:", {}, 'no adapter for the scheme "mem:", did you mean "memory:"?; known are memory:'],
    ["zzzzzz:x", { sqlite: load }, 'no adapter for the scheme "zzzzzz:"; known are memory:, sqlite:'],
    ["__proto__:x", {}, "the URL has no scheme; known are memory:"],
    ["constructor:x", {}, 'no adapter for the scheme "constructor:"; known are memory:'],
    ["orders.db", {}, "the URL has no scheme; known are memory:"],
  ])("says of %s which scheme was meant, and what to install", async (url, adapters, problem) => {
    expect(await problemOf(url, adapters)).toEqual({ code: "UNKNOWN_SCHEME", problems: [problem] });
  });

  it("says what is wrong with adapters that are no functions, and how to write them", async () => {
    const like = '{ kafka: () => import("@millrace/kafka") }';
    const rows: readonly [unknown, string][] = [
      [{ kafka: Promise.resolve(module) }, `adapters.kafka is a promise, as of an import without its arrow: write ${like}`],
      [{ kafka: Promise.reject(new Error("unheard")) }, `adapters.kafka is a promise, as of an import without its arrow: write ${like}`],
      [{ kafka: "@millrace/kafka" }, `adapters.kafka must be a function that imports the adapter, ${like}, got "@millrace/kafka"`],
      [{ "broker+tls": module }, 'adapters.broker+tls must be a function that imports the adapter, { "broker+tls": () => import("…") }, got an object'],
      [load, `adapters must be an object with a function for each scheme, ${like}, got a function`],
      [Promise.reject(new Error("unheard")), `adapters must be an object with a function for each scheme, ${like}, got a promise`],
      [null, `adapters must be an object with a function for each scheme, ${like}, got null`],
      [{ delays: "sqlite:x" }, "delays is an option: options are the third argument of connect, behind the adapters"],
    ];
    for (const [adapters, problem] of rows) expect(await problemOf("kafka://x", adapters)).toEqual({ code: "BAD_OPTION", problems: [problem] });
    const { problems } = await problemOf("memory:", { kafka: module, sqlite: 1 });
    expect(problems).toHaveLength(2);
  });

  it("says what is wrong with what an adapter's function gives", async () => {
    const like = 'write { kafka: () => import("@millrace/kafka") }';
    expect((await problemOf("kafka://x", { kafka: () => {} })).problems).toEqual([
      `adapters.kafka gave nothing: an arrow function with braces needs a return; ${like}`,
    ]);
    for (const wrong of [{}, { default: module }, 1, null, () => new MemoryPubSub()]) {
      expect((await problemOf("kafka://x", { kafka: async () => wrong })).problems[0]).toContain("gave no module with a function fromUrl");
    }
  });

  it("says how to install a package that is not there, with the import's own error as the cause, and passes other failures on", async () => {
    const name = "@millrace/nowhere";
    const failure: unknown = await connect("kafka://x", { kafka: () => import(name) }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: "BAD_OPTION",
      message: expect.stringMatching(/could not be imported: .*nowhere.*; is it installed\? npm install @millrace\/kafka/s),
    });
    expect((failure as Error).cause).toBeInstanceOf(Error);
    const broken = new MillraceError("broken while it was loaded", { code: "X" });
    await expect(connect("kafka://x", { kafka: () => Promise.reject(broken) })).rejects.toBe(broken);
  });

  it("says that the URL is missing", async () => {
    for (const url of [undefined, "", 5]) expect((await problemOf(url)).problems[0]).toMatch(/^url must be a text like .* is the environment variable set\?$/);
  });
});
