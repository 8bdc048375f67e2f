/** A consumer of a soak: a process of its own, which knows nothing but the contract. Its first argument is a `MemberTask`. */
import type { Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { connect, consoleLogger, type ReceivedMessage, type Subscription } from "millrace";
import { sequenceOf, workMs } from "./content.ts";
import { JournalWriter } from "./journal.ts";
import { KIND } from "./kinds.ts";
import type { MemberTask } from "./member-process.ts";
import { ADAPTERS } from "./targets.ts";

const MAX_IN_FLIGHT = 50;
const FLUSH_EVERY_MS = 100;

class Member {
  readonly #journal: JournalWriter;
  readonly #subscription: Subscription;
  /** Acks given. */
  #done = 0;
  #working = 0;

  constructor(journal: JournalWriter, subscription: Subscription) {
    this.#journal = journal;
    this.#subscription = subscription;
  }

  async read(): Promise<void> {
    for await (const message of this.#subscription) {
      const sequence = sequenceOf(message);
      const ms = workMs(sequence);
      if (ms > 0) {
        this.#journal.write(KIND.handed, sequence, message.delivery.attempt);
        this.#work(message, sequence, ms).catch(fail);
      } else {
        this.#journal.add(KIND.handed, sequence, message.delivery.attempt);
        this.#finish(message, sequence);
      }
    }
    while (this.#working > 0) await wait(5);
  }

  /** Says again and again what is in flight and held, and up to which ack all is durable. */
  async report(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#tellStatus();
      await this.flush();
      this.#tellStatus();
      await wait(FLUSH_EVERY_MS, undefined, { signal }).catch(() => {});
    }
  }

  async flush(): Promise<void> {
    const acks = this.#done;
    try {
      await this.#subscription.flush();
      this.#journal.write(KIND.flushed, acks);
    } catch {
      // Acks of this very moment may be among those that are named.
      this.#journal.write(KIND.unflushed, this.#done);
    }
  }

  #tellStatus(): void {
    const { inFlight, held } = this.#subscription.status();
    this.#journal.write(KIND.status, inFlight, held);
  }

  async #work(message: ReceivedMessage, sequence: number, ms: number): Promise<void> {
    this.#working++;
    try {
      await wait(ms, undefined, { signal: message.signal });
      this.#finish(message, sequence);
    } catch (error) {
      if (!message.signal.aborted) throw error;
      this.#journal.write(KIND.lost, sequence, 0);
    } finally {
      this.#working--;
    }
  }

  #finish(message: ReceivedMessage, sequence: number): void {
    // Before the ack: once the broker has that, nobody else will ever tell of this message.
    this.#journal.write(KIND.done, sequence);
    this.#done++;
    if (!message.ack()) this.#journal.write(KIND.lost, sequence, 1);
  }
}

function fail(error: unknown): void {
  console.error(error);
  process.exit(1);
}

async function run(task: MemberTask): Promise<void> {
  const stop = new AbortController();
  process.once("SIGTERM", () => stop.abort());
  const journal = new JournalWriter(task.journal, task.id);
  const bus = await connect(task.url, ADAPTERS, { logger: consoleLogger({ level: "warn" }) });
  const subscription = await bus.subscribe(task.topic, { group: task.group, maxInFlight: MAX_IN_FLIGHT });
  const member = new Member(journal, subscription);
  journal.write(KIND.ready);
  const reading = member.read();
  const reporting = member.report(stop.signal);
  if (!stop.signal.aborted) await Promise.race([reading, new Promise((resolve) => stop.signal.addEventListener("abort", resolve))]);
  if (!stop.signal.aborted) throw new Error("the subscription ended by itself");
  await reporting;
  await subscription.close();
  await reading;
  await bus.close();
  journal.write(KIND.closed);
  journal.close();
}

// A member does not outlive the soak, however that ends.
process.stdin.on("end", () => process.exit(1)).resume();
(process.stdin as Socket).unref();

run(JSON.parse(process.argv[2] ?? "{}") as MemberTask).catch(fail);
