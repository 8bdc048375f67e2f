import { PublishError, type PublishOutcome } from "../errors/index.ts";
import { RecordingLogger } from "../logger/recording-logger.fixture.ts";
import { MemoryPubSub } from "../memory/index.ts";
import { Message } from "../message/index.ts";
import type { HandlerHealth } from "../router/index.ts";
import { Relay, type Route } from "./relay.ts";
import { Target } from "./target.fixture.ts";

export interface Rig {
  readonly bus: MemoryPubSub;
  readonly target: Target;
  readonly dead: Target;
  readonly logger: RecordingLogger;
  /** `text#attempt` of every hand-out. */
  readonly handOuts: string[];
  readonly relay: Relay;
  /** `a1` has the key `a`; `-1` has none. */
  publish(...texts: readonly string[]): Promise<void>;
  close(): Promise<void>;
  health(): HandlerHealth | undefined;
}

/** A relay from a memory topic to a target that can be told what to refuse, with a dead letter. */
export async function setUp(route: Partial<Route> = {}): Promise<Rig> {
  const bus = new MemoryPubSub();
  const target = new Target();
  const dead = new Target();
  const logger = new RecordingLogger();
  const handOuts: string[] = [];
  await bus.provision("in", { group: "g" });
  const relay = new Relay({ logger });
  relay.add({
    name: "relay",
    subscriber: bus,
    topic: "in",
    group: "g",
    batch: 100,
    maxWaitMs: 0,
    publisher: target,
    open: (received) => ({ topic: received.metadata.get("to") ?? "out", message: received }),
    ...route,
    failure: { minDelayMs: 1, maxDelayMs: 2, deadLetter: { publisher: dead, topic: "dead" }, ...route.failure },
    middleware: [
      (next) => (message) => {
        handOuts.push(`${message.text()}#${message.delivery.attempt}`);
        return next(message);
      },
      ...(route.middleware ?? []),
    ],
  });
  const publish = (...texts: readonly string[]): Promise<void> =>
    bus.publish(
      "in",
      texts.map((text) => new Message(text, { id: text, key: text.startsWith("-") ? undefined : text.slice(0, 1) })),
    );
  const close = async (): Promise<void> => {
    await relay.close();
    await bus.close();
  };
  return { bus, target, dead, logger, handOuts, relay, publish, close, health: () => relay.health().handlers.relay };
}

export function refusal(messages: readonly Message[], code = "TRANSFORM_FAILED", outcome: PublishOutcome = "rejected", retryable = false): PublishError {
  return new PublishError(code, { code, retryable, outcomes: messages.map(() => outcome) });
}

/** Rejects the whole call, as publishers do, when one of its messages is bad. */
export function refuses(...bad: readonly string[]): (topic: string, messages: readonly Message[]) => void {
  return (_topic: string, messages: readonly Message[]): void => {
    if (messages.some((message) => bad.includes(message.text()))) throw refusal(messages);
  };
}
