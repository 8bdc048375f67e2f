import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { away, forbidden, type Sent, scriptedQueue, texts, turns, type Watched, watched } from "./scripted-broker.fixture.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

type Event =
  | { readonly on: "publish"; readonly lane: string; readonly count: number }
  | { readonly on: "answer"; readonly which: number; readonly as: "taken" | "silently taken" | "refused" | "again" }
  | { readonly on: "abort"; readonly which: number }
  | { readonly on: "lose" | "refuse connect" | "forbid connect" | "turns" }
  | { readonly on: "time"; readonly ms: number };

const event = fc.oneof(
  fc.record({ on: fc.constant("publish" as const), lane: fc.constantFrom("a", "b"), count: fc.integer({ min: 1, max: 5 }) }),
  fc.record({
    on: fc.constant("answer" as const),
    which: fc.nat(20),
    as: fc.constantFrom("taken" as const, "taken" as const, "silently taken" as const, "refused" as const, "again" as const),
  }),
  fc.record({ on: fc.constant("abort" as const), which: fc.nat(10) }),
  fc.record({ on: fc.constantFrom("lose" as const, "refuse connect" as const, "forbid connect" as const, "turns" as const, "turns" as const) }),
  fc.record({ on: fc.constant("time" as const), ms: fc.integer({ min: 1, max: 600 }) }),
);

interface Call extends Watched {
  readonly texts: readonly string[];
  readonly abort: AbortController;
  /** How many of its messages had been sent when it failed. */
  sentAtFailure: number | undefined;
}

/** Plays the events, then lets everything heal; answers what the broker has, in order, and every call. */
async function play(events: readonly Event[], deduplicates: boolean): Promise<{ calls: Call[]; taken: string[]; sent: string[]; most: number; left: number }> {
  const { broker, queue } = scriptedQueue({ window: 3, maxWaiting: 8, deduplicates });
  const taken: string[] = [];
  const calls: Call[] = [];
  const lost = new Set<Sent>();
  const open = (): Sent[] => [...new Set(broker.batches.flat())].filter((message) => message.state === "in flight" && !lost.has(message));
  const take = (text: string): void => void (deduplicates && taken.includes(text) ? undefined : taken.push(text));
  let number = 0;
  let most = 0;
  for (const each of events as readonly Event[]) {
    if (each.on === "publish") {
      const messages = Array.from({ length: each.count }, () => `${each.lane}${String(++number).padStart(4, "0")}`);
      const abort = new AbortController();
      const promise = queue.publish(each.lane, texts(...messages), { signal: abort.signal });
      calls.push(Object.assign(watched(promise), { texts: messages, abort, sentAtFailure: undefined }));
    } else if (each.on === "answer") {
      const message = open()[each.which % Math.max(1, open().length)];
      if (message === undefined) continue;
      if (each.as.endsWith("taken")) take(message.item);
      if (each.as === "taken") message.confirm();
      else if (each.as === "refused") message.reject(new Error("refused"));
      else if (each.as === "again") message.again(new Error("busy"));
      else lost.add(message); // the broker has it, and its answer never comes
    } else if (each.on === "abort") calls[each.which % Math.max(1, calls.length)]?.abort.abort();
    else if (each.on === "lose") for (const link of broker.links) link.lose(away());
    else if (each.on === "time") await vi.advanceTimersByTimeAsync(each.ms);
    else if (each.on === "turns") await turns();
    else broker.refusals.push(each.on === "refuse connect" ? away() : forbidden());
    most = Math.max(most, open().filter(({ call }) => call.lane === "a").length);
    await Promise.resolve();
    for (const call of calls) {
      const sent = new Set(broker.sent);
      if (call.abort.signal.aborted || call.error !== undefined) call.sentAtFailure ??= call.texts.filter((text) => sent.has(text)).length;
    }
  }
  // From here on the broker takes everything.
  broker.refusals.length = 0;
  broker.sending = (batch) => {
    for (const message of batch) {
      take(message.item);
      message.confirm();
    }
  };
  for (const message of open()) {
    take(message.item);
    message.confirm();
  }
  for (const link of broker.links) link.lose(away());
  await vi.advanceTimersByTimeAsync(3000);
  await queue.close();
  return { calls, taken, sent: broker.sent, most, left: vi.getTimerCount() };
}

describe("whatever happens, in whatever order", () => {
  it.each([false, true])("every call is told the truth, in order, and nothing is left behind (repeats removed: %s)", async (deduplicates) => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 5, maxLength: 60 }), async (events) => {
        vi.useFakeTimers();
        const { calls, taken, sent, most, left } = await play(events, deduplicates);
        expect(left).toBe(0);
        expect(most).toBeLessThanOrEqual(3);
        for (const { state, error, texts: all, sentAtFailure } of calls) {
          expect(state).not.toBe("under way");
          const outcomes = error?.outcomes ?? all.map(() => "confirmed");
          expect(outcomes).toHaveLength(all.length);
          for (const [index, text] of all.entries()) {
            if (outcomes[index] === "confirmed") expect(taken).toContain(text);
            if (outcomes[index] === "rejected") expect(taken).not.toContain(text);
            if (!deduplicates) expect(taken.indexOf(text)).toBe(taken.lastIndexOf(text));
          }
          if (sentAtFailure !== undefined) expect(new Set(sent.filter((text) => all.includes(text))).size).toBe(sentAtFailure);
        }
        for (const lane of ["a", "b"]) {
          const first = [...new Set(sent.filter((text) => text.startsWith(lane)))];
          expect(first).toEqual([...first].sort());
        }
      }),
      { numRuns: 300 },
    );
  });
});
