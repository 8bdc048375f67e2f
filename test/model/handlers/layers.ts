import { isPromise, type Middleware, type Publisher } from "millrace";
import { sleep } from "millrace/adapter";
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
} from "millrace/middleware";
import { outlived } from "../ledger/failure-of.ts";
import type { GroupBook } from "../ledger/group-book.ts";
import type { Call, Track } from "../ledger/records.ts";
import type { Layer } from "../plan/program.ts";
import type { World } from "../run/world.ts";
import { PLAIN, PlainError } from "./plain-error.ts";

export interface LayerParts {
  readonly world: World;
  readonly book: GroupBook;
  readonly member: number;
  readonly publisher: Publisher;
}

/** A layer of a plan as middleware. */
export function layerOf(layer: Layer, parts: LayerParts): Middleware {
  const { world, publisher } = parts;
  switch (layer.use) {
    case "retry":
      return retry({ maxRetries: layer.maxRetries ?? 1, minDelayMs: layer.minDelayMs ?? 10, multiplier: 1, jitter: 0 });
    case "timeout":
      return timeout(layer.ms);
    case "circuitBreaker":
      return breakerOf(layer, parts);
    case "throttle":
      return throttle({ count: 1, intervalMs: layer.intervalMs });
    case "delayOnError":
      return delayOnError({ minDelayMs: layer.minDelayMs ?? 50, maxDelayMs: 400 });
    case "poisonQueue":
      return poisonQueue({ publisher, topic: "poison" });
    case "ignoreErrors":
      return ignoreErrors(PLAIN);
    case "deduplicator":
      return deduplicator({ logger: world.logger });
    case "instantAck":
      return acking(instantAck(), parts);
    case "recoverer":
      return recoverer();
    case "duplicator":
      return duplicator();
    case "correlationId":
      return correlationId({ generate: true });
    case "randomFail":
      return drawn(randomFail(0.25), layer.times, parts);
    case "randomPanic":
      return drawn(randomPanic(0.25), layer.times, parts);
    case "failAfter":
      return failAfter(layer.times, layer.ms ?? 0, parts);
    case "slow":
      return slow(layer.waits, parts);
  }
}

/** Complains when it opens although too little failed. */
function breakerOf({ failures = 2, timeoutMs = 200 }: Extract<Layer, { use: "circuitBreaker" }>, { world, book, member }: LayerParts): Middleware {
  return circuitBreaker({
    timeoutMs,
    readyToTrip: ({ consecutiveFailures }) => consecutiveFailures >= failures,
    onStateChange: ({ from, to }) => {
      world.ledger.note(`${book.name}: the breaker is ${to}`);
      if (from !== "closed" || to !== "open" || book.mayRepeat) return;
      const seen = [...book.tracks.values()].reduce((sum, track) => sum + failuresOf(book, track, member), 0);
      if (seen < failures) world.ledger.complain("breaker", `the breaker of ${book.name} opened after ${seen} of ${failures} failures`);
    },
  });
}

/** As many failures as a breaker may have seen of a message. */
function failuresOf(book: GroupBook, track: Track, member: number): number {
  const own = track.handlings.filter((handling) => handling.member === member);
  const late = (call: Call): boolean =>
    track.lost === 0 &&
    outlived(
      book,
      own.find(({ calls }) => calls.includes(call)),
      call,
    );
  const bad = track.calls.filter((call) => call.member === member && (call.bad.has(track) || late(call)));
  return own.reduce((sum, { layerFailures }) => sum + layerFailures, bad.length);
}

/** The ledger hears of the acks. */
function acking(inner: Middleware, { book, member }: LayerParts): Middleware {
  return (next) =>
    inner((message) => {
      const track = book.tracks.get(message.text());
      if (track !== undefined) book.acked(track, member); // it calls on only when its ack held
      return next(message);
    });
}

/** Lets a layer that draws lots lose the first draws, and win all others. */
function drawn(inner: Middleware, times: number, { world, book, member }: LayerParts): Middleware {
  let left = times;
  return (next) => {
    const call = inner(next);
    return (message) => {
      if (left > 0 && !world.release.calm) {
        left--;
        world.luck.next = 0;
        const handling = book.tracks.get(message.text())?.open(member);
        if (handling !== undefined) handling.layerFailures++;
      }
      return call(message);
    };
  };
}

function failAfter(times: number, ms: number, { world, book, member }: LayerParts): Middleware {
  let left = times;
  return (next) => async (message) => {
    const produced = await next(message);
    if (left === 0 || world.release.calm) return produced;
    left--;
    const handling = book.tracks.get(message.text())?.open(member);
    if (handling !== undefined) handling.layerFailures++;
    if (ms > 0) await busy(world, ms);
    throw new PlainError("a layer fails after its handler");
  };
}

function slow(waits: readonly number[], { world, book, member }: LayerParts): Middleware {
  let turn = 0;
  return (next) => (message) => {
    const ms = world.release.calm ? 0 : (waits[turn++] ?? 0);
    if (ms === 0) return next(message);
    const handling = book.tracks.get(message.text())?.open(member);
    if (handling !== undefined && book.has("timeout")) handling.layerFailures++;
    const waited = busy(world, ms).then(() => next(message));
    return isPromise(waited) ? waited : undefined;
  };
}

async function busy(world: World, ms: number): Promise<void> {
  world.ledger.enter();
  await sleep(ms);
  world.ledger.leave();
}
