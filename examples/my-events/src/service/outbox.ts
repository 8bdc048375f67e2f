import type { Message } from "millrace";

/** Where a service leaves what it has to tell, in the transaction of what it did. */
export interface Outbox {
  /** Adds a message for `topic`, inside the transaction that is open on the service's database. */
  add(topic: string, message: Message): void;
  /** Tells the forwarder that something was committed. */
  wake(): void;
}
