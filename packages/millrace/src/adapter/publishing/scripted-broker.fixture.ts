import { vi } from "vitest";
import { MillraceError, type PublishError } from "../../errors/index.ts";
import { silentLogger } from "../../logger/index.ts";
import { Message } from "../../message/index.ts";
import type { Outgoing } from "./outgoing.ts";
import { PublishQueue } from "./publish-queue.ts";
import type { PublishQueueRules } from "./publish-rules.ts";
import type { PublishTarget } from "./publish-target.ts";

export type Sent = Outgoing<string>;

export interface ScriptedLink {
  readonly lane: string;
  lose(error: unknown): void;
}

/** Does what a test tells it: keeps what it was sent, and answers nothing by itself, unless it `confirms`. */
export class ScriptedBroker implements PublishTarget<string, ScriptedLink> {
  readonly links: ScriptedLink[] = [];
  readonly batches: Sent[][] = [];
  readonly disconnected: ScriptedLink[] = [];
  /** Thrown by the next connects, in order. */
  readonly refusals: unknown[] = [];
  connects = 0;
  confirms = false;
  /** What a `send` answers. */
  sending: ((batch: readonly Sent[]) => Promise<void> | void) | undefined;
  readying: ((message: Sent) => Promise<void> | undefined) | undefined;
  connecting: Promise<void> | undefined;

  get sent(): string[] {
    return this.batches.flat().map(({ item }) => item);
  }

  get link(): ScriptedLink {
    return this.links.at(-1) as ScriptedLink;
  }

  /** The messages of one text, each time that it was sent. */
  of(text: string): Sent[] {
    return this.batches.flat().filter(({ item }) => item === text);
  }

  confirm(...texts: string[]): void {
    for (const text of texts) this.of(text).at(-1)?.confirm();
  }

  encode(_topic: string, message: Message): string {
    const text = message.text();
    if (text === "bad") throw new Error("cannot be written");
    return text;
  }

  bytesOf(item: string): number {
    return item.length;
  }

  async connect(lane: string, lost: (error: unknown) => void): Promise<ScriptedLink> {
    this.connects++;
    await this.connecting;
    const refusal = this.refusals.shift();
    if (refusal !== undefined) throw refusal;
    const link = { lane, lose: lost };
    this.links.push(link);
    return link;
  }

  ready(_link: ScriptedLink, message: Sent): Promise<void> | undefined {
    return this.readying?.(message);
  }

  send(_link: ScriptedLink, batch: readonly Sent[]): Promise<void> | void {
    this.batches.push([...batch]);
    if (this.confirms) for (const message of batch) message.confirm();
    return this.sending?.(batch);
  }

  disconnect(link: ScriptedLink): void {
    this.disconnected.push(link);
  }
}

export const away = (): MillraceError => new MillraceError("nobody is there", { code: "BROKER_UNREACHABLE", retryable: true });
export const forbidden = (): MillraceError => new MillraceError("not for you", { code: "ACCESS_DENIED" });

export function scriptedQueue(rules: Partial<PublishQueueRules> = {}): { broker: ScriptedBroker; queue: PublishQueue<string, ScriptedLink> } {
  const broker = new ScriptedBroker();
  const queue = new PublishQueue(
    { subject: "Scripted", adapter: "scripted", otherCode: "SCRIPTED_ERROR", timeoutMs: 1000, logger: silentLogger, ...rules },
    broker,
  );
  return { broker, queue };
}

export const texts = (...all: string[]): Message[] => all.map((text) => new Message(text));

/** A publish, and how it ended so far. */
export interface Watched {
  readonly promise: Promise<void>;
  state: "under way" | "confirmed" | "failed";
  error: PublishError | undefined;
}

export function watched(promise: Promise<void>): Watched {
  const seen: Watched = { promise, state: "under way", error: undefined };
  promise.then(
    () => {
      seen.state = "confirmed";
    },
    (error: PublishError) => {
      seen.state = "failed";
      seen.error = error;
    },
  );
  return seen;
}

/** Some turns of the event loop: a fake clock lets 1 ms pass in each. */
export async function turns(): Promise<void> {
  await vi.advanceTimersByTimeAsync(10);
}
