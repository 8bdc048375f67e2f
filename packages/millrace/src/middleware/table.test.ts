import { describe, expect, it } from "vitest";
import { MillraceError } from "../errors/index.ts";
import { type Handler, isPromise, Message, type Middleware, producedList } from "../message/index.ts";
import {
  circuitBreaker,
  correlationId,
  deduplicator,
  delayOnError,
  duplicator,
  ignoreErrors,
  instantAck,
  poisonQueue,
  randomFail,
  randomPanic,
  recoverer,
  retry,
  throttle,
  timeout,
} from "./index.ts";
import { ReceivedFixture, RecordingPublisher } from "./received.fixture.ts";

const RETRIES = 2;
const failure = new Error("boom");

const handlers: Readonly<Record<string, { readonly fails: boolean; readonly sync: boolean; readonly handle: Handler }>> = {
  returns: { fails: false, sync: true, handle: () => new Message("out", { id: "out" }) },
  resolves: { fails: false, sync: false, handle: async () => new Message("out", { id: "out" }) },
  throws: {
    fails: true,
    sync: true,
    handle: () => {
      throw failure;
    },
  },
  rejects: {
    fails: true,
    sync: false,
    handle: async () => {
      throw failure;
    },
  },
};

/** What one delivery comes to: the model that every pair is held against. */
interface World {
  calls: number;
  poison: number;
  verdict: "ack" | "nack" | undefined;
  /** What the deduplicator has seen come out, once it has. */
  seen: number | undefined;
}
type Model = (next: () => number | "fails", world: World) => number | "fails"; // a number: messages produced

interface Entry {
  readonly make: (publisher: RecordingPublisher) => Middleware;
  readonly model: Model;
}

const passes: Model = (next) => next();

const entries: Readonly<Record<string, Entry>> = {
  correlationId: { make: () => correlationId({ generate: true }), model: passes },
  timeout: { make: () => timeout(60_000), model: passes },
  throttle: { make: () => throttle({ count: 1_000 }), model: passes },
  recoverer: { make: () => recoverer(), model: passes },
  randomFail: { make: () => randomFail(0), model: passes },
  randomPanic: { make: () => randomPanic(0), model: passes },
  circuitBreaker: { make: () => circuitBreaker(), model: passes },
  retry: {
    make: () => retry({ maxRetries: RETRIES, minDelayMs: 1, jitter: 0 }),
    model: (next, world) => {
      let result = next();
      for (let tries = 0; result === "fails" && tries < RETRIES && world.verdict !== "nack"; tries++) result = next();
      return result;
    },
  },
  ignoreErrors: { make: () => ignoreErrors(failure), model: (next) => zeroIfFails(next()) },
  poisonQueue: {
    make: (publisher) => poisonQueue({ publisher, topic: "poison" }),
    model: (next, world) => {
      const result = next();
      if (result !== "fails" || world.verdict === "nack") return result;
      world.poison++;
      return 0;
    },
  },
  instantAck: {
    make: () => instantAck(),
    model: (next, world) => {
      world.verdict ??= "ack";
      return world.verdict === "ack" ? next() : 0;
    },
  },
  duplicator: {
    make: () => duplicator(),
    model: (next) => {
      const first = next();
      if (first === "fails") return first;
      const second = next();
      return second === "fails" ? second : first + second;
    },
  },
  deduplicator: {
    make: () => deduplicator(),
    model: (next, world) => {
      // The same delivery again: nothing to do, and the same results once more, as the first were perhaps dropped.
      if (world.seen !== undefined) return world.seen;
      const result = next();
      if (result !== "fails") world.seen = result;
      return result;
    },
  },
  delayOnError: {
    make: () => delayOnError({ minDelayMs: 7 }),
    model: (next, world) => {
      const result = next();
      if (result === "fails") world.verdict ??= "nack";
      return result;
    },
  },
};

function called(world: World, fails: boolean): () => number | "fails" {
  return () => {
    world.calls++;
    return fails ? "fails" : 1;
  };
}

function zeroIfFails(result: number | "fails"): number {
  return result === "fails" ? 0 : result;
}

/** Runs one delivery as a router would, and tells what became of it. */
async function deliver(middleware: readonly Middleware[], handle: Handler, publisher: RecordingPublisher) {
  const fixture = new ReceivedFixture();
  let calls = 0;
  const counted: Handler = (message) => {
    calls++;
    return handle(message);
  };
  const chain = middleware.reduceRight((next, each) => each(next), counted);
  let produced = 0;
  let error: unknown;
  let sync = true;
  try {
    const result = chain(fixture.message);
    sync = !isPromise(result);
    produced = producedList(await result).length;
    fixture.message.ack();
  } catch (thrown) {
    error = thrown;
    fixture.message.nack({ delayMs: 100 });
  }
  fixture.message.end();
  return { calls, produced, error, sync, poison: publisher.published.length, verdicts: fixture.verdicts };
}

for (const [name, { make, model }] of Object.entries(entries)) {
  describe(`${name} alone`, () => {
    for (const [kind, handler] of Object.entries(handlers)) {
      it(`keeps the outcome of a handler that ${kind}`, async () => {
        const publisher = new RecordingPublisher();
        const world: World = { calls: 0, poison: 0, verdict: undefined, seen: undefined };
        const call = called(world, handler.fails);
        const expected = model(call, world);
        const outcome = await deliver([make(publisher)], handler.handle, publisher);
        expect(outcome.error).toBe(expected === "fails" ? failure : undefined);
        expect(outcome.produced).toBe(expected === "fails" ? 0 : expected);
        expect(outcome.calls).toBe(world.calls);
        // Only what must wait makes a promise: a retry, and the publish to the poison queue.
        const waits = handler.fails && ["retry", "poisonQueue"].includes(name);
        expect(outcome.sync).toBe(handler.sync && !waits);
      });
    }

    it("passes a throw that is no error on without a crash", async () => {
      for (const thrown of ["text", undefined, null, 0]) {
        const outcome = await deliver(
          [make(new RecordingPublisher())],
          () => {
            throw thrown;
          },
          new RecordingPublisher(),
        );
        if (name === "recoverer") expect(MillraceError.is(outcome.error) && outcome.error.code).toBe("HANDLER_PANIC");
        else expect(outcome.error).toBe(name === "poisonQueue" ? undefined : thrown);
      }
    });
  });
}

describe("every ordered pair", () => {
  for (const [outerName, outer] of Object.entries(entries)) {
    for (const [innerName, inner] of Object.entries(entries)) {
      it(`${outerName} outside ${innerName} comes to the verdict that the two together mean`, async () => {
        for (const handler of Object.values(handlers)) {
          const world: World = { calls: 0, poison: 0, verdict: undefined, seen: undefined };
          const innerModel = outerName === innerName && innerName === "deduplicator" ? passes : inner.model; // each instance has its own memory
          const call = called(world, handler.fails);
          const expected = outer.model(() => innerModel(call, world), world);
          const verdict = world.verdict ?? (expected === "fails" ? "nack" : "ack");

          const publisher = new RecordingPublisher();
          const outcome = await deliver([outer.make(publisher), inner.make(publisher)], handler.handle, publisher);
          expect(outcome.error).toBe(expected === "fails" ? failure : undefined);
          expect(outcome.produced).toBe(expected === "fails" ? 0 : expected);
          expect(outcome.poison).toBe(world.poison);
          expect(outcome.verdicts).toHaveLength(1);
          expect(outcome.verdicts[0] === "ack" ? "ack" : "nack").toBe(verdict);
          expect(outcome.calls).toBe(world.calls);
          if (handler === handlers.returns) expect(outcome.sync).toBe(true);
        }
      });
    }
  }

  it("ends retry and poison queue in exactly one poison message in either order", async () => {
    for (const order of [0, 1]) {
      const publisher = new RecordingPublisher();
      const pair = [retry({ maxRetries: RETRIES, minDelayMs: 1 }), poisonQueue({ publisher, topic: "poison" })];
      const outcome = await deliver(order === 0 ? pair : pair.reverse(), handlers.rejects?.handle as Handler, publisher);
      expect(outcome.poison).toBe(1);
      expect(outcome.verdicts).toEqual(["ack"]);
      expect(outcome.calls).toBe(order === 0 ? 1 : 1 + RETRIES);
    }
  });
});
