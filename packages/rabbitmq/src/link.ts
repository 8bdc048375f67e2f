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

  async close(): Promise<void> {
    this.#closed = true;
    const opening = this.#opening;
    opening?.then((link) => link.close()).catch(() => {});
    await this.#open?.close();
  }

  async #dial(): Promise<OpenLink> {
    const { addresses } = this.#rules;
    const address = addresses[this.#next++ % addresses.length] as (typeof addresses)[number];
    const where = `${address.hostname}:${address.port}`;
    let link: OpenLink;
    try {
      link = await OpenLink.dial(this.#rules, address, this.#purpose);
    } catch (error) {
      throw amqpError(error, `connecting to RabbitMQ at ${where}`);
    }
    if (this.#closed) {
      await link.close();
      throw new MillraceError("the connection is closed", { code: "CLOSED" });
    }
    this.#open = link;
    link.watch({
      onClose: () => {
        if (this.#open === link) this.#open = undefined;
      },
      onBlocked: () => {
        const fields = { adapter: "rabbitmq", address: where, connection: this.#purpose };
        if (link.blocked === undefined) this.#logger.info(fields, "the broker takes messages again");
        else this.#logger.warn({ ...fields, reason: link.blocked }, "the broker takes no messages");
      },
    });
    return link;
  }
}
