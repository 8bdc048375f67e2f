import type { ConsumeMessage } from "amqplib";
import { backoffMs, type Intake, type UndecodableRecord } from "millrace/adapter";
import { HeadersMessage, ID_HEADER } from "./codec.ts";
import { NativeProperties } from "./native-properties.ts";
import type { QueueRules } from "./queue-rules.ts";
import { attemptOf, propertiesOf, type RabbitMqReceipt } from "./receipt.ts";
import type { Exits, Returns } from "./returns.ts";

/** Before a dead letter is tried again. */
const NEXT_TRY = { minDelayMs: 1_000, maxDelayMs: 60 * 60_000 };
/** Where there is none. */
const NEXT_LOOK = { minDelayMs: 60_000, maxDelayMs: 60 * 60_000 };

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
    this.#intake.undecodable({ position, payload: raw.content, error, ...beside(raw) }).then(
      (taken) => {
        if (taken) this.#exits.ack(raw);
        else if (this.#rules.onUndecodable === "reject") this.#exits.reject(raw);
        else this.#delay(raw);
      },
      () => this.#delay(raw, NEXT_TRY), // the dead letter could not be written
    );
  }

  #delay(raw: ConsumeMessage, backoff: typeof NEXT_LOOK = NEXT_LOOK): void {
    const attempt = attemptOf(raw);
    this.#returns.send(raw, attempt + 1, backoffMs(attempt, backoff, 1), false);
  }
}

/** What can be read of it all the same. */
function beside(raw: ConsumeMessage): Pick<UndecodableRecord, "key" | "metadata" | "native"> {
  const headers = raw.properties.headers as Readonly<Record<string, unknown>> | undefined;
  const message = new HeadersMessage("", raw.content, headers, ID_HEADER);
  return { key: keyOf(message), metadata: message.readMetadata(), native: NativeProperties.of(propertiesOf(raw)) };
}

function keyOf(message: HeadersMessage): string | undefined {
  try {
    return message.key;
  } catch {
    return undefined; // it may be what nobody could decode
  }
}
