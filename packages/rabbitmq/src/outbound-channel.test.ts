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
