import { describe, expect, it } from "vitest";
import { MillraceError } from "../errors/index.ts";
import { handedBack } from "../message/handed-back.ts";
import { rest } from "../message/in-hand.ts";
import { type Handler, isPromise, type MaybePromise, Message, type Middleware, type Produced, producedList, type ReceivedMessage } from "../message/index.ts";
import { isInterruption } from "../message/interruption.ts";
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
import { type Behind, type FixtureMessage, RecordingPublisher, received } from "./received.fixture.ts";

const RETRIES = 2;
const failure = new Error("boom");
const lost = new MillraceError("lost", { code: "DELIVERY_LOST" });
const back = handedBack("an earlier message of its key failed");
const everywhere: readonly Behind[] = ["call", "adapter", "nobody"];

/** How many messages come out; or it fails; or it is cut off, which is no failure. */
type Result = number | "fails" | "is cut off";

interface Kind {
  readonly ends: Result;
  readonly sync: boolean;
  /** What it does to the message before it ends. */
  readonly verdict?: Verdict;
  /** Default: everywhere. */
  readonly behind?: readonly Behind[];
  readonly end: (message: ReceivedMessage, base: FixtureMessage) => MaybePromise<Produced>;
}
type Verdict = "acked" | "nacked" | "lost";

const output = (): Message => new Message("out", { id: "out" });
const throwing = (error: unknown): never => {
  throw error;
};

const returns = { ends: 1, sync: true, end: output } as const;
const resolves = { ends: 1, sync: false, end: async () => output() } as const;
const throws = { ends: "fails", sync: true, end: () => throwing(failure) } as const;
const rejects = { ends: "fails", sync: false, end: () => Promise.reject(failure) } as const;

const kinds = {
  returns,
  resolves,
  throws,
  rejects,
  "nacks and returns": { ...returns, verdict: "nacked" },
  "nacks and resolves": { ...resolves, verdict: "nacked" },
  "nacks and throws": { ...throws, verdict: "nacked" },
  "acks early and returns": { ...returns, verdict: "acked" },
  "acks early and throws": { ...throws, verdict: "acked" },
  "acks early and rejects": { ...rejects, verdict: "acked" },
  "loses its delivery and resolves": { ...resolves, verdict: "lost" },
  "loses its delivery and rejects": { ends: "is cut off", sync: false, verdict: "lost", end: () => Promise.reject(lost) },
  // Without anything behind the message only its signal tells of the loss.
  "loses its delivery and throws an error of its own": { ...throws, ends: "is cut off", verdict: "lost", behind: ["call", "adapter"] },
  "throws what counts no attempt": { ends: "is cut off", sync: true, end: () => throwing(back) },
  "rejects with what counts no attempt": { ends: "is cut off", sync: false, end: () => Promise.reject(new Error("later", { cause: back })) },
  "rests until the router drains": {
    ends: "is cut off",
    sync: false,
    behind: ["call"],
    end: (message, base) => {
      queueMicrotask(() => base.call?.drain());
      return rest(message, (signal) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))));
    },
  },
} as const satisfies Readonly<Record<string, Kind>>;

function handle(kind: Kind, message: ReceivedMessage, base: FixtureMessage): MaybePromise<Produced> {
  if (kind.verdict === "nacked") message.nack({ delayMs: 0 });
  if (kind.verdict === "acked") message.ack();
  if (kind.verdict !== "lost") return kind.end(message, base);
  base.lose(lost);
  // One that is acked already cannot be lost any more.
  return base.verdict === "lost" ? kind.end(message, base) : output();
}

/** What one delivery comes to: the model that everything is held against. */
interface World {
  readonly behind: Behind;
  calls: number;
  poison: number;
  verdict: Verdict | undefined;
}
type Model = (next: () => Result, world: World) => Result;

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
  circuitBreaker: { make: () => circuitBreaker({ readyToTrip: ({ failures }) => failures > 9 }), model: passes },
  // The same delivery again is no duplicate of itself.
  deduplicator: { make: () => deduplicator(), model: passes },
  retry: {
    make: () => retry({ maxRetries: RETRIES, minDelayMs: 1, jitter: 0 }),
    model: (next, world) => {
      let result = next();
      for (let tries = 0; result === "fails" && tries < RETRIES && world.verdict !== "nacked"; tries++) result = next();
      return result;
    },
  },
  ignoreErrors: {
    make: () => ignoreErrors(failure),
    model: (next) => {
      const result = next();
      return result === "fails" ? 0 : result;
    },
  },
  poisonQueue: {
    make: (publisher) => poisonQueue({ publisher, topic: "poison" }),
    model: (next, world) => {
      const result = next();
      if (result !== "fails" || world.verdict === "nacked") return result;
      world.poison++;
      return 0;
    },
  },
  instantAck: {
    make: () => instantAck(),
    model: (next, world) => {
      world.verdict ??= "acked";
      return world.verdict === "acked" ? next() : "is cut off";
    },
  },
  duplicator: {
    make: () => duplicator(),
    model: (next) => {
      const first = next();
      if (typeof first !== "number") return first;
      const second = next();
      return typeof second !== "number" ? second : first + second;
    },
  },
  delayOnError: {
    make: () => delayOnError({ minDelayMs: 7 }),
    model: (next, world) => {
      const result = next();
      if (result === "fails" && world.behind !== "call") world.verdict ??= "nacked";
      return result;
    },
  },
};

/** What the model says of some middleware around a handler, the first outermost. */
function expected(models: readonly Model[], kind: Kind, behind: Behind) {
  const world: World = { behind, calls: 0, poison: 0, verdict: undefined };
  const handler = (): Result => {
    world.calls++;
    world.verdict ??= kind.verdict;
    return kind.verdict === "lost" && world.verdict !== "lost" ? 1 : kind.ends;
  };
  const result = models.reduceRight<() => Result>((next, model) => () => model(next, world), handler)();
  const { calls, poison, verdict = typeof result === "number" ? "acked" : "nacked" } = world;
  return { result, calls, poison, verdict };
}

/** Runs one delivery as a router would, and tells what became of it. */
async function deliver(middleware: readonly Middleware[], kind: Kind, behind: Behind, publisher: RecordingPublisher) {
  const base = received({ behind });
  let calls = 0;
  const counted: Handler = (message) => {
    calls++;
    return handle(kind, message, base);
  };
  const chain = middleware.reduceRight((next, each) => each(next), counted);
  let sync = true;
  let result: Result;
  try {
    const produced = chain(base);
    sync = !isPromise(produced);
    result = producedList(await produced).length;
    base.ack();
  } catch (error) {
    result = isInterruption(error, base) ? "is cut off" : "fails";
    if (result === "fails") expect(error).toBe(failure);
    base.nack({ delayMs: 100 });
  }
  const outcome = { result, calls, poison: publisher.published.length, verdict: await base.settled };
  base.end();
  return { outcome, sync };
}

for (const [name, { make, model }] of Object.entries(entries)) {
  describe(`${name} alone`, () => {
    for (const [what, kind] of Object.entries<Kind>(kinds)) {
      it(`keeps the outcome of a handler that ${what}`, async () => {
        for (const behind of kind.behind ?? everywhere) {
          const publisher = new RecordingPublisher();
          const { outcome, sync } = await deliver([make(publisher)], kind, behind, publisher);
          expect(outcome).toEqual(expected([model], kind, behind));
          // Only what must wait makes a promise: a retry, and the publish to the poison queue.
          const waits = kind.ends === "fails" && ["retry", "poisonQueue"].includes(name);
          if (!(name === "instantAck" && kind.verdict === "lost")) expect(sync).toBe(kind.sync && !waits);
        }
      });
    }

    it("handles messages without an id each for itself", async () => {
      for (const behind of everywhere) {
        const ids: string[] = [];
        const chain = make(new RecordingPublisher())((message) => void ids.push(message.id));
        const messages = [received({ id: "", behind }), received({ id: "", behind }), received({ id: "m-1", behind })];
        for (const message of messages) await chain(message);
        const { calls } = expected([model], kinds.returns, behind);
        expect(ids).toEqual(["", "", "m-1"].flatMap((id) => Array(calls).fill(id)));
      }
    });

    it("passes a throw that is no error on without a crash", async () => {
      for (const thrown of ["text", undefined, null, 0]) {
        const chain = make(new RecordingPublisher())(() => throwing(thrown));
        const outcome = (async () => chain(received()))().catch((error: unknown) => ({ error }));
        if (name === "recoverer") expect(await outcome).toEqual({ error: expect.objectContaining({ code: "HANDLER_PANIC" }) });
        else expect(await outcome).toEqual(name === "poisonQueue" ? undefined : { error: thrown });
      }
    });
  });
}

describe("every ordered pair", () => {
  for (const [outerName, outer] of Object.entries(entries)) {
    for (const [innerName, inner] of Object.entries(entries)) {
      it(`${outerName} outside ${innerName} comes to the verdict that the two together mean`, async () => {
        for (const [what, kind] of Object.entries<Kind>(kinds)) {
          for (const behind of kind.behind ?? everywhere) {
            const publisher = new RecordingPublisher();
            const { outcome, sync } = await deliver([outer.make(publisher), inner.make(publisher)], kind, behind, publisher);
            expect(outcome, `a handler that ${what}, behind it ${behind}`).toEqual(expected([outer.model, inner.model], kind, behind));
            if (kind.sync && typeof kind.ends === "number") expect(sync).toBe(true);
          }
        }
      });
    }
  }

  it("ends retry and poison queue in exactly one poison message in either order", async () => {
    for (const order of [0, 1]) {
      const publisher = new RecordingPublisher();
      const pair = [retry({ maxRetries: RETRIES, minDelayMs: 1 }), poisonQueue({ publisher, topic: "poison" })];
      const { outcome } = await deliver(order === 0 ? pair : pair.reverse(), kinds.rejects, "call", publisher);
      expect(outcome).toEqual({ result: 0, poison: 1, verdict: "acked", calls: order === 0 ? 1 : 1 + RETRIES });
    }
  });
});
