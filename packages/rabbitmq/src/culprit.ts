import type { WireProperties } from "./codec.ts";

/** Numbers of basic.publish. */
const BASIC = 60;
const PUBLISH = 40;

interface UnderWay {
  readonly exchange: string;
  readonly content: Buffer;
  readonly properties: WireProperties;
}

/** True for an error by which the broker answered to a message. */
export function isAboutMessage(error: unknown): boolean {
  const { classId, methodId } = (error ?? {}) as { readonly classId?: unknown; readonly methodId?: unknown };
  return classId === BASIC && methodId === PUBLISH;
}

/**
 * The message for which the broker closed a channel, of all that were sent and had left no trace when that came; `undefined` when it is not
 * sure. The broker looks at one message after the other, says what it took only later, and never whom it means: those before
 * the culprit may be in their queues.
 */
export function culpritOf<M extends UnderWay>(error: unknown, underWay: readonly M[]): M | undefined {
  if (!isAboutMessage(error)) return undefined;
  if (underWay.length === 1) return underWay[0];
  const text = (error as Error).message;
  // Wrong by itself, whenever it comes: the first one of that kind.
  const size = /message size (\d+) is larger/.exec(text)?.[1];
  if (size !== undefined) return underWay.find(({ content }) => content.length === Number(size));
  const expiration = /invalid expiration '(.*)':/.exec(text)?.[1];
  if (expiration !== undefined) return underWay.find(({ properties }) => properties.expiration === expiration);
  const user = /user_id property set to '(.*)' but/.exec(text)?.[1];
  if (user !== undefined) return underWay.find(({ properties }) => properties.userId === user);
  // An exchange may have been there, and open to all, until a moment ago.
  const exchange = /(?:no exchange|access to exchange|internal exchange) '(.*)' in vhost/.exec(text)?.[1];
  const likely = underWay.filter((each) => each.exchange === exchange);
  return likely.length === 1 ? likely[0] : undefined;
}
