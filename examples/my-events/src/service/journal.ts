import type { DatabaseSync } from "node:sqlite";
import type { Message } from "millrace";
import { contracts, type DomainEvents, type EventName } from "../contracts/index.ts";
import { write } from "../database/transaction.ts";
import { EventLog } from "../event-log/index.ts";
import { view } from "../view/index.ts";
import type { Outbox } from "./outbox.ts";

/** Records that something happened. Only good inside the `commit` that gave it. */
export type Tell = <Name extends EventName>(name: Name, data: DomainEvents[Name]) => void;

/** Hears of every event once it is committed, for a line on the screen. */
export type Announce = (direction: "told" | "heard", name: EventName, data: DomainEvents[EventName]) => void;

/**
 * The one way a service's state changes: an event goes into its log, its view and, when it is its own, its outbox,
 * all in one transaction. After a crash either all of it is there or nothing.
 */
export class Journal {
  readonly #database: DatabaseSync;
  readonly #log: EventLog;
  readonly #outbox: Outbox;
  readonly #announce: Announce;

  constructor(database: DatabaseSync, outbox: Outbox, announce: Announce = () => {}) {
    this.#database = database;
    this.#log = new EventLog(database);
    this.#outbox = outbox;
    this.#announce = announce;
  }

  /** Runs `work` in one transaction together with everything it tells. When it throws, nothing has happened. */
  async commit<T>(work: (tell: Tell) => T): Promise<T> {
    const { result, told } = await write(this.#database, () => {
      const told: [EventName, DomainEvents[EventName]][] = [];
      const result = work((name, data) => {
        this.#tell(name, data);
        told.push([name, data]);
      });
      return { result, told };
    });
    if (told.length > 0) this.#outbox.wake();
    for (const [name, data] of told) this.#announce("told", name, data);
    return result;
  }

  /**
   * Takes in what another service told: its copy of the event and the view change together, and a message that was taken in
   * before changes nothing. Throws `PermanentError` `INVALID_PAYLOAD` for a message that breaks its contract.
   */
  async hear(name: EventName, message: Message): Promise<void> {
    const data = contracts[name].read(message);
    const fresh = await write(this.#database, () => this.#record(name, message.id, data));
    if (fresh) this.#announce("heard", name, data);
  }

  #tell<Name extends EventName>(name: Name, data: DomainEvents[Name]): void {
    const contract = contracts[name];
    const message = contract.message(data);
    this.#record(name, message.id, data);
    this.#outbox.add(contract.topic, message);
  }

  #record(name: EventName, id: string, data: DomainEvents[EventName]): boolean {
    const record = this.#log.append({ id, name, occurredAtMs: Date.parse(data.occurredAt), data });
    if (record === undefined) return false;
    view.apply(this.#database, record);
    return true;
  }
}
