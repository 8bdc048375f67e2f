import type { Message, PublishOptions, PubSub, ReceivedMessage, SubscribeOptions, Subscription } from "../../message/index.ts";

/** One thing that an adapter does wrong. */
export interface Breakage {
  readonly publish?: ((inner: PubSub, topic: string, messages: readonly Message[], options?: PublishOptions) => Promise<void>) | undefined;
  readonly options?: ((options: SubscribeOptions) => SubscribeOptions) | undefined;
  readonly message?: ((message: ReceivedMessage) => object) | undefined;
  readonly subscription?: ((subscription: Subscription) => object) | undefined;
  readonly pubsub?: ((inner: PubSub) => object) | undefined;
}

/** A breakage, and the scenarios that find it. */
export interface BrokenRow {
  readonly does: string;
  readonly scenarios: readonly string[];
  readonly breakage: Breakage | (() => Breakage);
}

/** A pub/sub that works, but for one breakage: to see that the suite finds it. */
export function breaking(inner: PubSub, breakage: Breakage): PubSub {
  return overlay(inner, {
    publish: (topic: string, messages: Message | readonly Message[], options?: PublishOptions) => {
      const list = Array.isArray(messages) ? (messages as readonly Message[]) : [messages as Message];
      return breakage.publish === undefined ? inner.publish(topic, list, options) : breakage.publish(inner, topic, list, options);
    },
    subscribe: async (topic: string, options: SubscribeOptions = {}) => {
      const subscription = await inner.subscribe(topic, breakage.options?.(options) ?? options);
      return overlay(subscription, { [Symbol.asyncIterator]: () => iterate(subscription, breakage), ...breakage.subscription?.(subscription) });
    },
    ...breakage.pubsub?.(inner),
  });
}

function iterate(subscription: Subscription, { message }: Breakage): AsyncIterator<ReceivedMessage> {
  const iterator = subscription[Symbol.asyncIterator]();
  return {
    next: async () => {
      const step = await iterator.next();
      return step.done === true || message === undefined ? step : { value: overlay(step.value, message(step.value)), done: false };
    },
    return: () => iterator.return?.() ?? Promise.resolve({ value: undefined, done: true }),
  };
}

/** The target with some properties replaced; everything else is the target's own, private state too. */
function overlay<T extends object>(target: T, replaced: object): T {
  return new Proxy(target, {
    get: (_target, name) => {
      if (Reflect.has(replaced, name) && Object.hasOwn(replaced, name)) return Reflect.get(replaced, name) as unknown;
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
