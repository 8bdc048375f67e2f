import type { Logger } from "../../logger/index.ts";
import type { HandlerIdentity, ReceivedMessage } from "../../message/index.ts";
import type { Observers } from "../observers.ts";

export interface DeskRules {
  readonly identity: HandlerIdentity;
  /** For log lines and `delivery`: the topics, as text. */
  readonly topics: string;
  readonly publishTopic: string | undefined;
  /** The subscriber's name in dead letters. */
  readonly subscriber: string;
  readonly concurrency: number;
  readonly abandonAfterMs: number;
  /** The name of the line that a message is in; `undefined`: it is in none. */
  readonly lineOf: (message: ReceivedMessage) => string | undefined;
  /** The topic and key in whose order the message is, also where calls stand in no lines; `undefined`: there is no order. */
  readonly orderOf: (message: ReceivedMessage) => string | undefined;
  /** The broker may hand out several messages of one key: all calls stand in lines. Else only those that outlive their verdict. */
  readonly inLines: boolean;
  /** Calls hold a slot from hand-out to verdict. Else whoever handles them takes one when it needs it. */
  readonly slotEach: boolean;
  readonly logger: Logger;
  readonly observers: Observers;
}

/** How often what happened. */
export interface Counts {
  handled: number;
  failed: number;
  retried: number;
  deadLettered: number;
  undecodable: number;
  abandoned: number;
  reconnected: number;
}
