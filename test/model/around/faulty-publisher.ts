import { type Message, MillraceError, type Publisher, type PublishOptions } from "millrace";
import { sleep } from "millrace/adapter";
import type { World } from "../run/world.ts";
import { failedCall } from "./faults.ts";
import { Graveyard } from "./graveyard.ts";

/** Who publishes: the program itself, a router's handlers, or a relay to its target. */
export type Author = "program" | "handlers" | "relay";

/** A publisher that fails on order. What it stores is stored when it is called, so that calls keep their order, and confirmed later. */
export class FaultyPublisher implements Publisher {
  readonly #world: World;
  readonly #author: Author;
  readonly #graveyard: Graveyard;

  constructor(world: World, author: Author) {
    this.#world = world;
    this.#author = author;
    this.#graveyard = new Graveyard(world.ledger);
  }

  async publish(topic: string, given: Message | readonly Message[], options?: PublishOptions): Promise<void> {
    const { ledger } = this.#world;
    const messages = Array.isArray(given) ? (given as readonly Message[]) : [given as Message];
    if (messages.length === 0) return;
    ledger.enter();
    try {
      await this.#publish(topic, messages, options);
    } finally {
      ledger.leave();
    }
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}

  async #publish(topic: string, messages: readonly Message[], options: PublishOptions | undefined): Promise<void> {
    const { ledger, faults, bus, carried } = this.#world;
    const texts = messages.map((message) => message.text());
    this.#begin(topic, messages);
    const refused = topic === "out" && faults.refuses(texts);
    const fate = refused ? { fail: "rejected" as const, ms: 0, confirmed: 0 } : faults.next(topic);
    const { fail, ms } = fate;
    // Results that a middleware gave twice share their fate.
    const confirmed = new Set(texts).size < texts.length ? 0 : Math.min(fate.confirmed, messages.length - 1);
    const kept = fail === "rejected" ? messages.slice(0, confirmed) : messages;
    ledger.note(`${topic} <- ${texts.join(" ")}${fail === undefined ? "" : `, to be ${fail}`}`);
    this.#store(topic, kept);
    if (carried.has(topic) && kept.length > 0) await this.#carry(bus.publish(topic, kept.length === 1 ? (kept[0] as Message) : kept, options), topic, texts);
    if (ms > 0) await sleep(ms);
    if (fail === undefined) return this.#confirm(topic, messages);
    const error = failedCall(messages.length, confirmed, fail, !refused);
    this.#confirm(topic, messages.slice(0, confirmed));
    this.#fail(texts.slice(confirmed), fail === "unknown");
    throw error;
  }

  #begin(topic: string, messages: readonly Message[]): void {
    const { ledger } = this.#world;
    ledger.attempted(messages.map((message) => message.text()));
    if (isGrave(topic)) for (const message of messages) this.#graveyard.begin(topic, message);
  }

  #store(topic: string, messages: readonly Message[]): void {
    const { ledger, carried } = this.#world;
    const texts = messages.map((message) => message.text());
    if (this.#author === "relay") for (const book of ledger.relays.values()) book.stored(texts);
    if (isGrave(topic)) return;
    ledger.outputs.push(...texts);
    if (!carried.has(topic)) return;
    for (const message of messages) {
      ledger.stored({ text: message.text(), topic, key: message.key, id: message.id, at: ledger.now }, this.#author === "program");
    }
  }

  /** The pub/sub's own answer. */
  async #carry(publishing: Promise<void>, topic: string, texts: readonly string[]): Promise<void> {
    const { ledger } = this.#world;
    try {
      await publishing;
    } catch (error) {
      const { outcomes } = error as { readonly outcomes?: readonly string[] };
      for (const [index, text] of texts.entries()) if (outcomes?.[index] === "rejected") ledger.removed(text);
      ledger.note(`${topic}: ${MillraceError.is(error) ? error.code : String(error)}`);
      this.#fail(texts, false);
      throw error;
    }
  }

  #confirm(topic: string, messages: readonly Message[]): void {
    const { ledger } = this.#world;
    if (isGrave(topic)) {
      for (const message of messages) this.#graveyard.end(topic, message);
      return;
    }
    const texts = messages.map((message) => message.text());
    if (this.#author === "relay") for (const book of ledger.relays.values()) book.confirmed(texts);
    ledger.confirmed(texts);
  }

  #fail(texts: readonly string[], unknown: boolean): void {
    const { ledger } = this.#world;
    if (this.#author === "relay") for (const book of ledger.relays.values()) book.failed(texts, unknown);
    ledger.publishFailed(texts, false);
  }
}

function isGrave(topic: string): boolean {
  return topic === "dead" || topic === "poison";
}
