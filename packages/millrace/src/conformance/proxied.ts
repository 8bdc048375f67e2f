import type { PublishError, PublishOutcome } from "../errors/index.ts";
import type { Message, PubSub } from "../message/index.ts";
import type { Chaos } from "./chaos-proxy.ts";
import type { ProxiedOptions } from "./conformance-setup.ts";
import type { World } from "./world.ts";

/** A pub/sub behind a proxy; at the end the proxy heals first, then both are closed. */
export async function openProxied(world: World, options: ProxiedOptions = {}): Promise<{ readonly pubsub: PubSub; readonly proxy: Chaos }> {
  const made = await world.setup.faults?.proxied?.(options);
  if (made === undefined) throw new Error("the setup has no proxied connection");
  world.cleanUpWith(() => made.proxy.close());
  world.own(made.pubsub);
  world.cleanUpWith(() => Promise.resolve(made.proxy.heal()));
  return made;
}

/** What became of each message of a publish call: undefined when all were confirmed. */
export async function outcomeOf(publishing: Promise<void>): Promise<readonly PublishOutcome[] | undefined> {
  try {
    await publishing;
    return undefined;
  } catch (error) {
    const { outcomes } = error as PublishError;
    if (!Array.isArray(outcomes)) throw error;
    return outcomes;
  }
}

/** Ids of the messages that were confirmed. */
export function confirmedOf(messages: readonly Message[], outcomes: readonly PublishOutcome[] | undefined): string[] {
  return messages.flatMap(({ id }, index) => (outcomes === undefined || outcomes[index] === "confirmed" ? [id] : []));
}
