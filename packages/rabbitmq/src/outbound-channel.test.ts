import { EventEmitter } from "node:events";
import type { ConfirmChannel } from "amqplib";
import { expect, it } from "vitest";
import type { OpenLink } from "./open-link.ts";
import { OutboundChannel, type OutboundRules } from "./outbound-channel.ts";

it("leaves no watcher behind on its connection, whoever ends it", () => {
  const watchers = new Set<object>();
  const link = {
    watch(watcher: object) {
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
  } as unknown as OpenLink;
  const channel = (): ConfirmChannel => Object.assign(new EventEmitter(), { close: async () => {} }) as unknown as ConfirmChannel;
  const open = (on: ConfirmChannel): OutboundChannel => new OutboundChannel(on, link, {} as OutboundRules, () => {});
  const broken = channel();
  open(broken);
  const left = open(channel());
  expect(watchers.size).toBe(2);
  broken.emit("close");
  left.close();
  expect(watchers.size).toBe(0);
});

/** A channel that sends nothing, and three messages on it, with what they are told. */
function sending() {
  const watchers: { onBlocked?(): void }[] = [];
  const link = { blocked: undefined as string | undefined, watch: (watcher: object) => void watchers.push(watcher) };
  const channel = Object.assign(new EventEmitter(), { publish: () => true, prefetch: async () => {} });
  const rules: OutboundRules = { steps: {} as OutboundRules["steps"], idOf: () => undefined };
  const out = new OutboundChannel(channel as unknown as ConfirmChannel, link as unknown as OpenLink, rules, () => {});
  const told: string[] = [];
  const messages = ["a", "b", "c"].map((id) => ({
    item: { id, exchange: "e", routingKey: "", content: Buffer.from(id), properties: {}, hold: undefined, returned: undefined, settled: false },
    call: { failed: false },
    confirm: () => told.push(`${id} confirmed`),
    reject: ({ code }: { readonly code: string }) => told.push(`${id} rejected: ${code}`),
    unknown: ({ code }: { readonly code: string }) => told.push(`${id} unknown: ${code}`),
  })) as unknown as Parameters<OutboundChannel["send"]>[0];
  const unblock = (): void => {
    link.blocked = undefined;
    for (const watcher of watchers) watcher.onBlocked?.();
  };
  return { out, channel, link, messages, told, unblock };
}

it("tells of each message what the broker says of it, and nothing before", () => {
  const { out, channel, messages, told } = sending();
  out.send(messages);
  expect(told).toEqual([]);
  channel.emit("ack", { deliveryTag: 2, multiple: true });
  expect(told).toEqual(["a confirmed", "b confirmed"]);
  channel.emit("nack", { deliveryTag: 3, multiple: false });
  expect(told).toEqual(["a confirmed", "b confirmed", "c unknown: PUBLISH_REFUSED"]);
});

it("sends nothing while the broker takes nothing", async () => {
  const { out, link, messages, unblock } = sending();
  link.blocked = "low on memory";
  const waiting = out.ready(messages[0] as (typeof messages)[number]);
  expect(waiting).toBeInstanceOf(Promise);
  unblock();
  await waiting;
  expect(out.ready(messages[0] as (typeof messages)[number])).toBeUndefined();
});
