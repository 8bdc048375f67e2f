import { ATTEMPTS_POISONED, HANDLER_POISONED, POSITION_POISONED, REASON_POISONED, SUBSCRIBER_POISONED, TOPIC_POISONED } from "./dead-letter-keys.ts";
import { DELAYED_FOR_KEY, DELAYED_UNTIL_KEY } from "./delay-keys.ts";
import { Message } from "./message.ts";
import { type Metadata, type MetadataInit, metadata } from "./metadata.ts";
import { withNative } from "./native.ts";
import { reasonText } from "./reason-text.ts";
import type { UndecodableRecord } from "./subscriber.ts";

/** Why a message was given up, and by whom. */
export interface DeadLetterFacts {
  /** The error, or its text; cut to 4,096 bytes. */
  readonly reason: unknown;
  /** That it was read from. */
  readonly topic: string;
  readonly handler: string;
  /** As `adapterName` gives it. */
  readonly subscriber: string;
  readonly attempts?: number | undefined;
  readonly position?: string | undefined;
}

const KEYS: readonly string[] = [REASON_POISONED, TOPIC_POISONED, HANDLER_POISONED, SUBSCRIBER_POISONED, ATTEMPTS_POISONED, POSITION_POISONED];

/** What every dead letter tells about itself, whoever writes it: Watermill's four keys, then ours where they are known. */
export function deadLetterMetadata({ reason, topic, handler, subscriber, attempts, position }: DeadLetterFacts): Record<string, string> {
  const known: Record<string, string> = {
    [REASON_POISONED]: reasonText(reason),
    [TOPIC_POISONED]: topic,
    [HANDLER_POISONED]: handler,
    [SUBSCRIBER_POISONED]: subscriber,
  };
  if (attempts !== undefined) known[ATTEMPTS_POISONED] = String(attempts);
  if (position !== undefined) known[POSITION_POISONED] = position;
  return known;
}

/**
 * The copy of a message that goes to a dead letter. What an earlier dead letter told is replaced as a whole. It is not delayed, even if the
 * message was to be, unless `keepsDelay`.
 */
export function deadLetter(message: Message, facts: DeadLetterFacts, { keepsDelay = false }: { readonly keepsDelay?: boolean | undefined } = {}): Message {
  return message.copy({ metadata: toldOf(message.metadata, facts, keepsDelay) });
}

/** The message in which bytes go to a dead letter that no handler can see: as they are, with what could be read beside them. */
export function undecodableLetter({ payload, key, metadata: known, native, position }: UndecodableRecord, facts: DeadLetterFacts): Message {
  const letter = new Message(payload, { key, metadata: toldOf(known ?? {}, { ...facts, position }, false) });
  return withNative(letter, native);
}

function toldOf(known: MetadataInit, facts: DeadLetterFacts, keepsDelay: boolean): Metadata {
  const told = metadata(known);
  for (const key of KEYS) told.delete(key);
  if (!keepsDelay) for (const key of [DELAYED_FOR_KEY, DELAYED_UNTIL_KEY]) told.delete(key);
  for (const [key, value] of Object.entries(deadLetterMetadata(facts))) told.set(key, value);
  return told;
}
