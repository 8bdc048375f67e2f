import type { Message } from "../message/index.ts";

/** A message and the topic it is meant for. */
export interface Addressed {
  readonly topic: string;
  readonly message: Message;
}
