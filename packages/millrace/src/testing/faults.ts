import { MillraceError, PublishError } from "../errors/index.ts";
import type { Message } from "../message/index.ts";
import { OptionCheck, type OptionNames } from "../options/index.ts";

interface Where {
  /** Default: every topic. */
  readonly topic?: string | undefined;
}

export interface PublishFault extends Where {
  /** Which publish call from now on fails first, from 1. Default 1. */
  readonly nth?: number | undefined;
  /** How many calls in a row fail. Default 1; `Infinity` for all. */
  readonly times?: number | undefined;
  /** `"rejected"`: nothing was stored. `"unknown"`: it was stored and delivered, only the confirmation is missing. Default `"rejected"`. */
  readonly outcome?: "rejected" | "unknown" | undefined;
}

export interface MessageFault extends Where {
  /** Which message from now on, from 1. Default 1. */
  readonly nth?: number | undefined;
  /** How many messages in a row. Default 1; `Infinity` for all. */
  readonly times?: number | undefined;
}

export interface ReorderFault extends Where {
  /** So many messages are gathered and then delivered last first. */
  readonly count: number;
}

const MESSAGE_FAULT: OptionNames<MessageFault> = { topic: true, nth: true, times: true };

interface Counted {
  readonly topic: string | undefined;
  skip: number;
  left: number;
}

interface Gathering {
  readonly topic: string | undefined;
  readonly count: number;
  readonly held: { readonly topic: string; readonly message: Message }[];
}

/** What goes wrong in a harness, by order. Each order is used up in turn; several can wait at once. */
export class Faults {
  readonly #publishes: (Counted & { readonly outcome: "rejected" | "unknown" })[] = [];
  readonly #duplicates: Counted[] = [];
  readonly #deliveries: Counted[] = [];
  #gathering: Gathering[] = [];

  /** Publish calls reject with a `PublishError` `INJECTED`. */
  failPublish(fault: PublishFault = {}): this {
    checkCounts(new OptionCheck("failPublish").known(fault, { topic: true, nth: true, times: true, outcome: true }), fault)
      .oneOf("outcome", fault.outcome, ["rejected", "unknown"])
      .done();
    this.#publishes.push({ ...counted(fault), outcome: fault.outcome ?? "rejected" });
    return this;
  }

  /** Messages published are delivered twice, under one id. */
  duplicate(fault: MessageFault = {}): this {
    checkCounts(new OptionCheck("duplicate").known(fault, MESSAGE_FAULT), fault).done();
    this.#duplicates.push(counted(fault));
    return this;
  }

  /** The next messages published are delivered in reverse; those still gathered are let go when the harness settles. */
  reorder(fault: ReorderFault): this {
    new OptionCheck("reorder")
      .known(fault, { topic: true, count: true })
      .text("topic", fault.topic)
      .required("count", fault.count)
      .integer("count", fault.count, { min: 2 })
      .done();
    this.#gathering.push({ topic: fault.topic, count: fault.count, held: [] });
    return this;
  }

  /** Deliveries fail before they reach the reader, which sees them again later with a higher attempt. */
  failDelivery(fault: MessageFault = {}): this {
    checkCounts(new OptionCheck("failDelivery").known(fault, MESSAGE_FAULT), fault).done();
    this.#deliveries.push(counted(fault));
    return this;
  }

  /** Messages that wait to be delivered in another order. */
  get gathered(): number {
    return this.#gathering.reduce((sum, { held }) => sum + held.length, 0);
  }

  /** What a publish call does instead of going through. */
  onPublish(topic: string, count: number): { readonly error: PublishError; readonly stored: boolean } | undefined {
    const fault = this.#publishes.find((candidate) => hits(candidate, topic));
    if (fault === undefined) return undefined;
    const outcomes = Array.from({ length: count }, () => fault.outcome);
    return {
      error: new PublishError(`publishing to ${JSON.stringify(topic)} fails on order`, { code: "INJECTED", retryable: true, outcomes }),
      stored: fault.outcome === "unknown",
    };
  }

  /** What is really delivered for this message, and when: repeated, held back, or let go with others. */
  onStore(topic: string, message: Message): readonly { readonly topic: string; readonly message: Message }[] {
    const copies = this.#duplicates.filter((candidate) => hits(candidate, topic)).length + 1;
    const entries = Array.from({ length: copies }, () => ({ topic, message }));
    const gathering = this.#gathering.find((candidate) => candidate.topic === undefined || candidate.topic === topic);
    if (gathering === undefined) return entries;
    gathering.held.push(...entries);
    if (gathering.held.length < gathering.count) return [];
    this.#gathering = this.#gathering.filter((candidate) => candidate !== gathering);
    return gathering.held.reverse();
  }

  /** Throws when this delivery is to fail. */
  onDelivery(topic: string): void {
    if (this.#deliveries.some((candidate) => hits(candidate, topic))) {
      throw new MillraceError(`a delivery of ${JSON.stringify(topic)} fails on order`, { code: "INJECTED", retryable: true });
    }
  }

  /** Gives out what was gathered so far, last first. */
  letGo(): readonly { readonly topic: string; readonly message: Message }[] {
    const held = this.#gathering.filter((gathering) => gathering.held.length > 0);
    this.#gathering = this.#gathering.filter((gathering) => gathering.held.length === 0);
    return held.flatMap((gathering) => gathering.held.reverse());
  }
}

function checkCounts(check: OptionCheck, fault: MessageFault): OptionCheck {
  const times = fault.times === Infinity ? undefined : fault.times;
  return check.text("topic", fault.topic).integer("nth", fault.nth, { min: 1 }).integer("times", times, { min: 1 });
}

function counted(fault: MessageFault): Counted {
  return { topic: fault.topic, skip: (fault.nth ?? 1) - 1, left: fault.times ?? 1 };
}

/** Counts one occurrence; true when the fault strikes it. */
function hits(fault: Counted, topic: string): boolean {
  if (fault.left === 0 || (fault.topic !== undefined && fault.topic !== topic)) return false;
  if (fault.skip > 0) {
    fault.skip--;
    return false;
  }
  fault.left--;
  return true;
}
