import { checkSubscribe, OpenSubscriptions, PublishQueue, type PublishTarget } from "../../adapter/index.ts";
import { MillraceError, OptionError, PublishError } from "../../errors/index.ts";
import { uuidV7 } from "../../internal/uuid-v7.ts";
import { silentLogger } from "../../logger/index.ts";
import type { BrokerAdmin, Capabilities, Message, PublishOptions, PubSub, SubscribeOptions, Subscription } from "../../message/index.ts";
import type { Flaw } from "./flaws.fixture.ts";
import { leasedAdmin } from "./leased-admin.fixture.ts";
import type { LeasedBroker } from "./leased-broker.fixture.ts";
import { encode } from "./leased-codec.fixture.ts";
import { leasedSource } from "./leased-source.fixture.ts";
import { type LeasedLink, LeasedWire } from "./leased-wire.fixture.ts";

export const leasedCapabilities: Capabilities = Object.freeze({
  durable: true,
  replay: true,
  consumerGroups: true,
  groupless: false,
  ordering: "one-member",
  keys: true,
  nativeDelay: false,
  redelivers: true,
  attemptsSurviveCrash: false,
  transactionalPublish: false,
  deduplicatesPublish: false,
  maxPublishDelayMs: 0,
  maxHandlingMs: Infinity,
  stability: "experimental",
});

export interface LeasedPubSubOptions {
  readonly broker: LeasedBroker;
  readonly leaseMs: number;
  readonly publishTimeoutMs?: number | undefined;
  readonly wire?: LeasedWire | undefined;
  readonly flaws?: ReadonlySet<Flaw> | undefined;
}

/** A pub/sub on a broker that lends entries for a time, small enough to be broken in any way. */
export class LeasedPubSub implements PubSub {
  readonly capabilities: Capabilities = leasedCapabilities;
  readonly admin: BrokerAdmin;
  readonly #broker: LeasedBroker;
  readonly #wire: LeasedWire;
  readonly #leaseMs: number;
  readonly #flaws: ReadonlySet<Flaw>;
  readonly #publishing: PublishQueue<string, LeasedLink>;
  readonly #open: OpenSubscriptions = new OpenSubscriptions();
  #closing: Promise<void> | undefined;

  constructor({ broker, leaseMs, publishTimeoutMs = 30_000, wire = new LeasedWire(), flaws = new Set() }: LeasedPubSubOptions) {
    this.#broker = broker;
    this.#wire = wire;
    this.#leaseMs = leaseMs;
    this.#flaws = flaws;
    this.admin = leasedAdmin(broker, flaws, () => this.#checkOpen());
    const timeoutMs = flaws.has("publishes without a time limit") ? 1e9 : publishTimeoutMs;
    const maxPublishDelayMs = flaws.has("publishes at once what is to be held back") ? Infinity : 0;
    const deduplicates = flaws.has("sends again what the broker may have");
    this.#publishing = new PublishQueue(
      {
        subject: "LeasedPubSub",
        adapter: "leased",
        otherCode: "LEASED_ERROR",
        timeoutMs,
        logger: silentLogger,
        maxPublishDelayMs,
        deduplicates,
        reconnect: { minDelayMs: 10 },
      },
      this.#target(),
    );
  }

  async publish(topic: string, messages: Message | readonly Message[], options?: PublishOptions): Promise<void> {
    try {
      await this.#publishing.publish(topic, messages, options);
    } catch (error) {
      if (!(error instanceof PublishError)) throw error;
      const { code, message, outcomes } = error;
      const hushed =
        (this.#flaws.has("calls what an abort left open rejected") && code === "PUBLISH_ABORTED") ||
        (this.#flaws.has("calls what a cut left open rejected") && code === "CONNECTION_LOST");
      throw hushed ? new PublishError(message, { code, outcomes: outcomes.map((outcome) => (outcome === "unknown" ? "rejected" : outcome)) }) : error;
    }
  }

  async subscribe(topic: string, options: SubscribeOptions = {}): Promise<Subscription> {
    const group = this.#group(topic, options);
    const from = this.#flaws.has("begins every group at the earliest") ? "earliest" : options.from;
    const reading = { broker: this.#broker, wire: this.#wire, flaws: this.#flaws, topic, group, from, owner: uuidV7(), leaseMs: this.#leaseMs };
    const settings = { adapter: "leased", logger: silentLogger, leaseMs: this.#leaseMs, reconnect: { minDelayMs: 10, maxDelayMs: 100 } };
    return await this.#open.start({ topic, options: this.#flawed(options), settings, source: leasedSource(reading) });
  }

  async provision(topic: string, options: Pick<SubscribeOptions, "group" | "from"> = {}): Promise<void> {
    const group = this.#group(topic, options);
    if (this.#flaws.has("provisions nothing")) return;
    const link = await this.#wire.connect(() => {});
    await link.call(() => this.#broker.join(topic, group, options.from));
    link.close();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.close(), this.#open.giveBack()]);
  }

  async #close(): Promise<void> {
    const leaves = this.#flaws.has("closes without waiting for publishes") ? this.#publishing.stop() : this.#publishing.close();
    await Promise.all([leaves, this.#open.close()]);
    if (this.#flaws.has("waits for the broker before it closes")) await new Promise<void>((resolve) => this.#wire.whenBack(resolve));
  }

  #target(): PublishTarget<string, LeasedLink> {
    return {
      encode: (_topic, message) => encode(message, this.#flaws),
      bytesOf: (item) => item.length,
      connect: (_lane, lost) => this.#wire.connect(lost),
      send: async (link, batch) => {
        const sending = link.call(() => batch.map(({ call, item }) => this.#refusalOf(call.lane, item)));
        if (this.#flaws.has("confirms before the broker has answered")) {
          sending.catch(() => {});
          for (const message of batch) message.confirm();
          return;
        }
        const refusals = await sending;
        const well = this.#flaws.has("calls what the broker refused confirmed");
        for (const [index, message] of batch.entries()) {
          const refusal = refusals[index];
          if (refusal === undefined || well) message.confirm();
          else message.reject(refusal);
        }
      },
      disconnect: (link) => link.close(),
    };
  }

  /** What the broker has against a message, if anything. */
  #refusalOf(topic: string, item: string): unknown {
    try {
      this.#broker.publish(topic, item);
      return undefined;
    } catch (error) {
      return error;
    }
  }

  #flawed(options: SubscribeOptions): SubscribeOptions {
    const { undecodable } = options;
    if (undecodable === undefined || !this.#flaws.has("steps over what its dead letter did not take")) return options;
    return { ...options, undecodable: (record) => undecodable(record).catch(() => {}) };
  }

  #group(topic: string, options: SubscribeOptions): string {
    checkSubscribe("LeasedPubSub", topic, options);
    this.#checkOpen();
    if (options.group === undefined) throw new OptionError("LeasedPubSub", ["group is missing: the broker has no reading without one"]);
    return options.group;
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new MillraceError("the pub/sub is closed", { code: "CLOSED" });
  }
}
