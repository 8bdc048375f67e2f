import { Message, type MessageOptions, type StandardSchema } from "../message/index.ts";
import { validate } from "../message/standard-schema.ts";
import { OptionCheck } from "../options/index.ts";

/** One kind of event: its name, its topic, and the way between data and message. Share it between the services that speak it. */
export interface EventContract<Input, Output = Input> {
  readonly name: string;
  readonly topic: string;
  /** Validates the data and makes a message of it; its metadata `name` is the event's name. Throws `PermanentError` `INVALID_PAYLOAD`. */
  message(data: Input, options?: MessageOptions): Message;
  /** The data of a message, validated. Throws `PermanentError` `INVALID_PAYLOAD` with every field's path. */
  read(message: Message): Output;
}

/**
 * ```ts
 * const OrderPlaced = defineEvent("order.placed", { schema: OrderSchema, key: (order) => order.id }); // of zod, valibot, arktype, …
 * await bus.publish(OrderPlaced.topic, OrderPlaced.message({ id: "o-1" }));
 * ```
 * `topic` is the name unless said otherwise; `key` gives the ordering key.
 */
export function defineEvent<Input, Output>(
  name: string,
  options: { readonly schema: StandardSchema<Input, Output>; readonly topic?: string | undefined; readonly key?: ((data: Output) => string) | undefined },
): EventContract<Input, Output> {
  const { schema, topic = name, key } = options ?? {};
  new OptionCheck(`event ${JSON.stringify(name)}`)
    .required("name", name)
    .text("name", name)
    .that(typeof schema?.["~standard"]?.validate === "function", "schema must follow the Standard Schema interface (zod, valibot, arktype, …)")
    .text("topic", topic)
    .call("key", key)
    .done();
  return Object.freeze({
    name,
    topic,
    message(data: Input, given: MessageOptions = {}): Message {
      const valid = validate(schema, data, `event ${JSON.stringify(name)}`);
      const message = Message.json(valid, { ...given, key: given.key ?? key?.(valid) });
      if (!message.metadata.has("name")) message.metadata.set("name", name);
      return message;
    },
    read(message: Message): Output {
      return message.json(schema);
    },
  });
}
