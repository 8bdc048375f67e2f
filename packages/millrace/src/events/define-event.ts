import { PermanentError } from "../errors/index.ts";
import { Message, type MessageOptions, type StandardSchema } from "../message/index.ts";
import { validate, validateAsync } from "../message/standard-schema.ts";
import { OptionCheck } from "../options/index.ts";

/** Which event a message tells of; Watermill's CQRS reads and writes the same. */
const NAME_KEY = "name";

/**
 * One kind of event: its name, its topic, and the way between data and message. Share it between the services that speak it.
 *
 * `Input` is what the schema takes and what travels; `Output` is what it makes of that, where it has defaults, transforms or brands.
 */
export interface EventContract<Input, Output = Input> {
  readonly name: string;
  readonly topic: string;
  /**
   * Checks the data and makes a message of it, as it was given: what the schema makes of it is made again by whoever reads. Its `topic`
   * is the event's, its metadata `name` is the event's name, whatever other metadata it is given.
   *
   * Throws `PermanentError` `INVALID_PAYLOAD` with every field's path, and `ASYNC_SCHEMA` for a schema that answers later.
   */
  message(data: Input, options?: MessageOptions): Message;
  /**
   * The data of a message, as the schema makes it. Throws `PermanentError` `INVALID_PAYLOAD` with every field's path, `ASYNC_SCHEMA`, and
   * `WRONG_EVENT` for a message that says it tells of another event.
   */
  read(message: Message): Output;
  /** As `message`, for schemas that may answer later. */
  messageAsync(data: Input, options?: MessageOptions): Promise<Message>;
  /** As `read`, for schemas that may answer later. */
  readAsync(message: Message): Promise<Output>;
}

export interface EventOptions<Input, Output> {
  /** Of zod, valibot, arktype, or whatever else follows the Standard Schema interface. */
  readonly schema: StandardSchema<Input, Output>;
  /** Default: the event's name. */
  readonly topic?: string | undefined;
  /** Gives the ordering key. Default: none. */
  readonly key?: ((data: Output) => string) | undefined;
}

/**
 * Makes the contract of an event. Throws `OptionError` `BAD_OPTION`.
 *
 * ```ts
 * const OrderPlaced = defineEvent("order.placed", { schema: OrderSchema, key: (order) => order.id }); // of zod, valibot, arktype, …
 * await bus.publish(OrderPlaced.topic, OrderPlaced.message({ id: "o-1" }));
 * ```
 */
export function defineEvent<Input, Output>(name: string, options: EventOptions<Input, Output>): EventContract<Input, Output> {
  const subject = `event ${JSON.stringify(name)}`;
  const check = new OptionCheck(subject).known(options, { schema: true, topic: true, key: true });
  const { schema, topic = name, key } = options;
  check
    .required("name", name)
    .text("name", name)
    .that(typeof schema?.["~standard"]?.validate === "function", "schema must follow the Standard Schema interface (zod, valibot, arktype, …)")
    .text("topic", topic)
    .call("key", key)
    .done();

  const made = (data: Input, valid: Output, given: MessageOptions = {}): Message => {
    const message = Message.json(data, { ...given, key: given.key ?? key?.(valid), topic: given.topic ?? topic });
    message.metadata.set(NAME_KEY, name);
    return message;
  };
  const mine = (message: Message): Message => {
    const other = message.metadata.get(NAME_KEY);
    if (other === undefined || other === name) return message;
    throw new PermanentError(`message ${message.id} tells of ${JSON.stringify(other.slice(0, 64))}, not of ${subject}`, { code: "WRONG_EVENT" });
  };
  return Object.freeze({
    name,
    topic,
    message: (data: Input, given?: MessageOptions) => made(data, validate(schema, data, subject, "messageAsync(data)"), given),
    read: (message: Message) => validate(schema, mine(message).json(), subjectOf(message), "readAsync(message)"),
    messageAsync: async (data: Input, given?: MessageOptions) => made(data, await validateAsync(schema, data, subject), given),
    readAsync: async (message: Message) => await validateAsync(schema, mine(message).json(), subjectOf(message)),
  });
}

function subjectOf(message: Message): string {
  return `message ${message.id}`;
}
