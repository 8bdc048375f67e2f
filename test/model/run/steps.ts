import { Message, type Publisher, type Subscription } from "millrace";
import { ForwardingPublisher } from "millrace/forwarder";
import { deduplicatePublisher } from "millrace/middleware";
import { FaultyPublisher } from "../around/faulty-publisher.ts";
import { checkHealth } from "../life/check-health.ts";
import { checkStarved } from "../life/check-starved.ts";
import { IdleWatch } from "../life/idle-watch.ts";
import { BOX } from "../life/relay-core.ts";
import type { Unit } from "../life/unit.ts";
import { belongs, type MessagePlan, type Step } from "../plan/program.ts";
import { pass, settle } from "./drive.ts";
import type { World } from "./world.ts";

/** Takes the steps of a program, one after the other. */
export class Steps {
  /** Publishes that have not settled. */
  readonly publishing: Set<string> = new Set();
  readonly idles: IdleWatch;
  readonly #world: World;
  readonly #units: readonly Unit[];
  readonly #publisher: Publisher;
  readonly #readers: Subscription[] = [];

  constructor(world: World, units: readonly Unit[]) {
    this.#world = world;
    this.#units = units;
    this.idles = new IdleWatch(world);
    const faulty = new FaultyPublisher(world, "program");
    this.#publisher = world.program.deduplicated ? deduplicatePublisher()(faulty) : faulty;
  }

  async take(step: Step): Promise<void> {
    const { program, ledger } = this.#world;
    if (!belongs(step, program.on)) return;
    ledger.activity++;
    try {
      await this.#take(step);
    } catch (error) {
      // Nothing that is asked of it here may throw: it came from somewhere else.
      ledger.complain("unhandled", `${step.do} met ${String(error)}`);
    }
    await settle(this.#world);
    this.idles.look();
  }

  async #take(step: Step): Promise<void> {
    const { ledger, lossy, faults, gate } = this.#world;
    switch (step.do) {
      case "publish":
        this.publish(step.topic ?? "t0", step.messages);
        break;
      case "publishNothing":
        this.#publishNothing();
        break;
      case "pass":
        await pass(this.#world, step.ms);
        if (step.ms >= 1000) for (const unit of this.#units) checkStarved(this.#world, unit);
        break;
      case "start":
        await this.#unit(step)?.start();
        break;
      case "close":
        await this.#unit(step)?.close(step.timeoutMs);
        break;
      case "stop":
        await this.#unit(step)?.stop(nameOf(step));
        break;
      case "stopThenStart":
        await this.#unit(step)?.stopThenStart(nameOf(step));
        break;
      case "pause":
        this.#unit(step)?.pause(nameOf(step));
        break;
      case "resume":
        this.#unit(step)?.resume(nameOf(step));
        break;
      case "idle":
        this.idles.begin(this.#unit(step));
        break;
      case "health": {
        const unit = this.#unit(step);
        if (unit !== undefined) checkHealth(this.#world, unit);
        break;
      }
      case "publishes":
        faults.order(step);
        break;
      case "refuse":
        faults.refuse(step.text);
        break;
      case "hangSubscribe":
        gate.hold();
        break;
      case "readerComes":
        this.#readers.push(await this.#world.bus.subscribe("t0"));
        break;
      case "readerLeaves":
        await this.readersLeave();
        break;
      case "lose":
        lossy?.lose(({ key }) => step.key === undefined || step.key === key);
        break;
      case "cut":
        if (step.fatal) for (const book of ledger.books.values()) book.mayRepeat = true;
        for (const relay of ledger.relays.values()) relay.mayRepeat = true;
        lossy?.cut(step.losing === true, step.fatal === true);
        break;
      case "breakVerdict":
        for (const book of ledger.books.values()) book.mayRepeat = true;
        for (const relay of ledger.relays.values()) relay.mayRepeat = true;
        lossy?.breakVerdict();
        break;
    }
  }

  publish(topic: string, plans: readonly MessagePlan[]): void {
    const { ledger, program } = this.#world;
    const messages = plans.flatMap(copiesOf).map(({ text, key, id }) => new Message(text, { id: id ?? text, key }));
    const texts = messages.map((message) => message.text());
    const one = texts.slice(0, 5).join(" ");
    this.publishing.add(one);
    const forwarded = program.handlers[0]?.kind === "forwarder";
    if (forwarded) for (const message of messages) this.#toBox(message);
    const publishing = forwarded
      ? new ForwardingPublisher({ publisher: this.#world.bus, topic: BOX }).publish("out", messages)
      : this.#publisher.publish(topic, messages.length === 1 ? (messages[0] as Message) : messages);
    publishing.then(
      () => {
        this.publishing.delete(one);
        this.#checkKept(topic, messages);
      },
      () => void this.publishing.delete(one),
    );
    ledger.activity++;
  }

  async readersLeave(): Promise<void> {
    for (const reader of this.#readers.splice(0)) await reader[Symbol.asyncDispose]();
  }

  #toBox(message: Message): void {
    const { ledger } = this.#world;
    const { key, id } = message;
    for (const relay of ledger.relays.values()) relay.add({ text: message.text(), topic: BOX, key, id, at: ledger.now });
  }

  /** What `deduplicatePublisher` left out has to be in the broker under the same id. */
  #checkKept(topic: string, messages: readonly Message[]): void {
    const { ledger, program } = this.#world;
    if (program.deduplicated !== true) return;
    for (const message of messages) {
      const text = message.text();
      if (ledger.wasAttempted(text)) continue;
      const same = [...ledger.publications.values()].some((one) => one.topic === topic && one.id === message.id && message.id !== "");
      if (!same) ledger.complain("lost", `${text} was confirmed and never sent`);
    }
  }

  #publishNothing(): void {
    const { ledger, bus } = this.#world;
    try {
      bus.publish("t0", undefined as unknown as Message).then(
        () => ledger.complain("publishThrows", "publish(topic, undefined) was confirmed"),
        () => {},
      );
    } catch (error) {
      ledger.complain("publishThrows", `publish(topic, undefined) threw: ${String(error)}`);
    }
  }

  #unit({ member = 0 }: { readonly member?: number | undefined }): Unit | undefined {
    return this.#units[member] ?? this.#units[0];
  }
}

function copiesOf(plan: MessagePlan): readonly MessagePlan[] {
  const { text, copies = 1 } = plan;
  return Array.from({ length: copies }, (_, index) => (index === 0 ? plan : { ...plan, text: `${text}.${index + 1}` }));
}

function nameOf({ handler = 0 }: { readonly handler?: number | undefined }): string {
  return `h${handler}`;
}
