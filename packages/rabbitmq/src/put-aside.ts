import type { ConsumeMessage } from "amqplib";
import type { Intake } from "millrace/adapter";
import type { QueueRules } from "./queue-rules.ts";
import { attemptOf, type RabbitMqReceipt } from "./receipt.ts";
import type { Exits, Returns } from "./returns.ts";

const FIRST_DELAY_MS = 60_000;
const LONGEST_DELAY_MS = 60 * 60_000;

/** Gets deliveries out of the way that cannot be decoded: into the dead letter, else out to the broker for a long time, or away. */
export class PutAside {
  readonly #rules: QueueRules;
  readonly #intake: Intake<RabbitMqReceipt>;
  readonly #returns: Returns;
  readonly #exits: Exits;

  constructor(rules: QueueRules, intake: Intake<RabbitMqReceipt>, returns: Returns, exits: Exits) {
    this.#rules = rules;
    this.#intake = intake;
    this.#returns = returns;
    this.#exits = exits;
  }

  put(raw: ConsumeMessage, error: unknown): void {
    const position = `${this.#rules.queue}, delivery ${raw.fields.deliveryTag}`;
    this.#intake.undecodable({ position, payload: raw.content, error }).then(
      (taken) => {
        if (taken) this.#exits.ack(raw);
        else if (this.#rules.onUndecodable === "reject") this.#exits.reject(raw);
        else this.#delay(raw);
      },
      // The dead letter could not be written.
      () => this.#delay(raw),
    );
  }

  #delay(raw: ConsumeMessage): void {
    const attempt = attemptOf(raw);
    this.#returns.send(raw, attempt + 1, Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1)), false);
  }
}
