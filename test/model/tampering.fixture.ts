import type { Message, NackOptions, PubSub, ReceivedMessage, Subscription } from "millrace";
import { contractOnly } from "./around/contract-only.ts";

type Tamper = (bus: PubSub) => PubSub;

/** The message that something happens to: the third of all that are published. */
const NTH = 3;

/** The third message never gets there. */
export const dropping: Tamper = publishing((count) => (count === NTH ? [] : [0]));

/** The third message gets there twice. */
export const doubling: Tamper = publishing((count) => (count === NTH ? [0, 0] : [0]));

/** The third message gets there after the fourth. */
export const reordering: Tamper = (bus) => {
  let count = 0;
  let held: { readonly topic: string; readonly message: Message } | undefined;
  return around(bus, {
    publish: async (topic, given, options) => {
      for (const message of listed(given)) {
        if (++count === NTH) {
          held = { topic, message };
          continue;
        }
        await bus.publish(topic, message, options);
        if (held?.topic !== topic) continue;
        await bus.publish(topic, held.message, options);
        held = undefined;
      }
    },
  });
};

/** Every message is acked where it is handed out, before anybody has handled it, and the third is handed to nobody. */
export const swallowing: Tamper = reading((message, count) => (count === NTH && message.ack() ? undefined : message));

/** Nobody waits for a second attempt, and none is recognised as such: else the router would see to the wait. */
export const hurrying: Tamper = reading((message, count) => {
  const elsewhere = changed(message, "delivery", { ...message.delivery, position: String(count) });
  return changed(elsewhere, "nack", (options?: NackOptions) => message.nack({ ...options, delayMs: 0 }));
});

/** Every hand-out counts as two attempts. */
export const miscounting: Tamper = reading((message) => changed(message, "delivery", { ...message.delivery, attempt: message.delivery.attempt * 2 }));

/** Keys are nothing to it. */
export const unordering: Tamper = (bus) => around(bus, { subscribe: (topic, options) => bus.subscribe(topic, { ...options, orderBy: "none" }) });

function publishing(copies: (count: number) => readonly unknown[]): Tamper {
  return (bus) => {
    let count = 0;
    return around(bus, {
      publish: async (topic, given, options) => {
        const messages = listed(given).flatMap((message) => copies(++count).map(() => message));
        if (messages.length > 0) await bus.publish(topic, messages, options);
      },
    });
  };
}

/** On a subscription that is nothing but the contract: nobody can get at its messages in another way. */
function reading(change: (message: ReceivedMessage, count: number) => ReceivedMessage | undefined): Tamper {
  return (bus) => {
    let count = 0;
    return around(bus, {
      subscribe: async (topic, options) => {
        const inner = await contractOnly(bus).subscribe(topic, options);
        const iterate = (): AsyncIterator<ReceivedMessage> => changing(inner[Symbol.asyncIterator](), (message) => change(message, ++count));
        return Object.create(inner, { [Symbol.asyncIterator]: { value: iterate } }) as Subscription;
      },
    });
  };
}

function around(bus: PubSub, changes: Partial<Pick<PubSub, "publish" | "subscribe">>): PubSub {
  return {
    publish: (topic, messages, options) => bus.publish(topic, messages, options),
    subscribe: (topic, options) => bus.subscribe(topic, options),
    provision: async (topic, options) => await bus.provision?.(topic, options),
    close: () => bus.close(),
    [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
    ...changes,
  };
}

function changing(iterator: AsyncIterator<ReceivedMessage>, change: (message: ReceivedMessage) => ReceivedMessage | undefined): AsyncIterator<ReceivedMessage> {
  return {
    next: async () => {
      for (;;) {
        const step = await iterator.next();
        const message = step.done ? undefined : change(step.value);
        if (step.done) return step;
        if (message !== undefined) return { done: false, value: message };
      }
    },
    return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
  };
}

function changed(message: ReceivedMessage, part: "nack" | "delivery", value: unknown): ReceivedMessage {
  return Object.create(message, { [part]: { value } }) as ReceivedMessage;
}

function listed(given: Message | readonly Message[]): readonly Message[] {
  return Array.isArray(given) ? (given as readonly Message[]) : [given as Message];
}
