import assert from "node:assert/strict";
import { SettleError } from "../../errors/index.ts";
import type { PubSub } from "../../message/index.ts";
import type { Chaos } from "../chaos-proxy.ts";
import { assertSameIds } from "../ids.ts";
import type { HandOut, Probe } from "../probe.ts";
import { openProxied } from "../proxied.ts";
import { needsGroups, type Scenario } from "../scenario.ts";
import { idsOf, type World } from "../world.ts";

const IN_FLIGHT = 16;
const ROUNDS = 12;
const PER_ROUND = 50;

export const repeatsNothing: Scenario = {
  name: "repeats-nothing",
  title: "repeats nothing without a crash or a loss: two and three members, 16 in flight each, disturbed from outside",
  alone: true, // it disturbs everybody
  timeoutMs: 120_000,
  needs: needsGroups,
  run: async (world) => {
    const publisher = await world.open();
    for (const members of [2, 3]) await share(world, publisher, members);
  },
};

async function share(world: World, publisher: PubSub, count: number): Promise<void> {
  const topic = world.topicNamed(`t${count}`);
  const group = world.groupNamed(`g${count}`);
  await world.prepare(publisher, group, topic);
  /** Ids of deliveries that the adapter itself called lost, or whose acks it called not durable. */
  const mayRepeat = new Set<string>();
  const decide = async ({ message, id }: HandOut): Promise<"ack"> => {
    void message.settled.then((verdict) => verdict === "lost" && mayRepeat.add(id));
    await world.quiet(Math.random() * 8);
    return "ack";
  };
  const members = await Promise.all(Array.from({ length: count }, () => openMember(world)));
  const probes: Probe[] = [];
  for (const { pubsub } of members) probes.push(await world.watch(pubsub, { topic, group, maxInFlight: IN_FLIGHT, decide }));
  const isAcked = (id: string): boolean => probes.some(({ acked }) => acked.has(id));

  const messages = world.numbered(ROUNDS * PER_ROUND, { key: (index) => `k${index % 97}` });
  for (let round = 0; round < ROUNDS; round++) {
    const publishing = publisher.publish(topic, messages.slice(round * PER_ROUND, (round + 1) * PER_ROUND));
    await Promise.all([disturb(world, members[round % count]?.proxy), publishing]);
  }
  await world.until(() => messages.every(({ id }) => isAcked(id)), `all are acked by ${count} members`, world.patienceMs * 2);
  for (const probe of probes) for (const id of await namedByFlush(world, probe)) mayRepeat.add(id);
  // Whatever comes again does so before a later message.
  const last = world.numbered(count, { from: messages.length });
  await publisher.publish(topic, last);
  await world.until(() => last.every(({ id }) => isAcked(id)), "what comes last is acked");

  const handOuts = probes.flatMap((probe) => probe.handOuts);
  assertSameIds(
    handOuts.map(({ id }) => id),
    idsOf([...messages, ...last]),
    `messages handed out to ${count} members`,
  );
  const seen = new Set<string>();
  const again = handOuts.filter(({ id }) => seen.size === seen.add(id).size && !mayRepeat.has(id));
  assert.equal(again.length, 0, `${again.length} messages came again to one of ${count} members though no delivery of theirs was lost`);
}

async function openMember(world: World): Promise<{ readonly pubsub: PubSub; readonly proxy?: Chaos }> {
  return world.setup.faults?.proxied === undefined ? { pubsub: await world.open() } : await openProxied(world);
}

async function disturb(world: World, proxy: Chaos | undefined): Promise<void> {
  if (world.setup.faults?.disturb !== undefined) await world.setup.faults.disturb();
  else if (proxy === undefined) await world.quiet(5);
  else {
    proxy.cut();
    await world.quiet(150);
  }
}

/** Flushes until everything is durable; ids of the messages whose acks are not. */
async function namedByFlush(world: World, { subscription, handOuts }: Probe): Promise<string[]> {
  const named = new Set<string>();
  await world.eventually(
    async () => {
      try {
        await subscription.flush();
        return true;
      } catch (error) {
        if (!(error instanceof SettleError)) throw error;
        for (const position of error.positions) named.add(position);
        return false;
      }
    },
    () => "everything acked is durable",
  );
  return handOuts.flatMap(({ id, message }) => (named.has(message.delivery.position ?? id) ? [id] : []));
}
