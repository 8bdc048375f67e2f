import type { Logger } from "millrace";
import { MillraceError } from "millrace";
import { amqpError } from "./amqp-error.ts";
import { type LinkRules, OpenLink } from "./open-link.ts";

/**
 * The one connection of a publisher, or of a subscriber: opened when somebody needs it, shared by all who do, opened anew after it
 * broke. Trying again is its users' business; those who try at once share the try.
 */
export class Link {
  readonly #rules: LinkRules;
  readonly #purpose: string;
  readonly #logger: Logger;
  #open: OpenLink | undefined;
  #opening: Promise<OpenLink> | undefined;
  #next = 0;
  #closed = false;
  /** Types of exchanges beyond AMQP's own that the broker has taken. */
  readonly knownTypes: Set<string> = new Set();

  constructor(rules: LinkRules, purpose: string, logger: Logger) {
    this.#rules = rules;
    this.#purpose = purpose;
    this.#logger = logger;
  }

  /** The connection of the moment, if there is one. */
  get current(): OpenLink | undefined {
    return this.#open;
  }

  open(): Promise<OpenLink> {
    if (this.#open !== undefined) return Promise.resolve(this.#open);
    if (this.#closed) return Promise.reject(new MillraceError("the connection is closed", { code: "CLOSED" }));
    this.#opening ??= this.#dial().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** For what may end the connection: on one that nobody else uses. */
  async alone(use: (link: OpenLink) => Promise<void>): Promise<void> {
    const link = await this.#connect();
    try {
      await use(link);
    } finally {
      await link.close();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const opening = this.#opening;
    opening?.then((link) => link.close()).catch(() => {});
    await this.#open?.close();
  }

  async #connect(): Promise<OpenLink> {
    const { addresses } = this.#rules;
    const address = addresses[this.#next++ % addresses.length] as (typeof addresses)[number];
    let link: OpenLink;
    try {
      link = await OpenLink.dial(this.#rules, address, this.#purpose);
    } catch (error) {
      throw amqpError(error, `connecting to RabbitMQ at ${address.hostname}:${address.port}`);
    }
    if (!this.#closed) return link;
    await link.close();
    throw new MillraceError("the connection is closed", { code: "CLOSED" });
  }

  async #dial(): Promise<OpenLink> {
    const link = await this.#connect();
    this.#open = link;
    link.watch({
      onClose: () => {
        if (this.#open === link) this.#open = undefined;
      },
      onBlocked: () => {
        const fields = { adapter: "rabbitmq", address: link.where, connection: this.#purpose };
        if (link.blocked === undefined) this.#logger.info(fields, "the broker takes messages again");
        else this.#logger.warn({ ...fields, reason: link.blocked }, "the broker takes no messages");
      },
    });
    return link;
  }
}
