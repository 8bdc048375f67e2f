import { Message } from "../message/index.ts";

/** What a record says. */
export interface Unmarshaled {
  readonly message: Message;
  /** For formats that carry it: a subscription to another topic steps over the record. */
  readonly topic?: string | undefined;
}

/** What is in one record, and how to read it. */
export interface RecordMarshaler {
  marshal(topic: string, message: Message): Uint8Array;
  /** Throws for what is no record of this format. */
  unmarshal(record: Uint8Array): Unmarshaled;
}

/** One record is one payload, nothing else. Reading makes a new id. As Watermill's `PayloadMarshalFunc`. */
export const payload: RecordMarshaler = Object.freeze({
  marshal: (_topic: string, message: Message) => message.payload,
  unmarshal: (record: Uint8Array) => ({ message: new Message(record) }),
});
