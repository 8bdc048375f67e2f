import { MillraceError } from "millrace";
import { type Deferred, laterTurn, monotonicMs, OptionCheck, quietDeferred, sleep } from "millrace/adapter";
import { brokerError, errorId } from "./kafka-error.ts";
import { CREATE_TOPICS } from "./wire/apis.ts";
import type { Cluster, TopicInfo } from "./wire/cluster.ts";

/** How topics are made that are not there. Default: everything as the broker has it. */
export interface TopicSettings {
  readonly partitions?: number | undefined;
  readonly replicationFactor?: number | undefined;
  /** Kafka's own settings of a topic: `{ "cleanup.policy": "compact", "max.message.bytes": "4194304" }`. */
  readonly config?: Readonly<Record<string, string>> | undefined;
}

/** `"create"`: topics that are not there are made. `"verify"`: they must be there, with at least the partitions asked for. `"off"`: nothing is checked but that they are there. */
export type Provision = "create" | "verify" | "off";

/** Adds to `check` what is wrong with the option `topics`. */
export function checkTopics(check: OptionCheck, topics: TopicSettings | ((topic: string) => TopicSettings) | undefined): OptionCheck {
  if (topics === undefined || typeof topics === "function") return check;
  check.known(topics, { partitions: true, replicationFactor: true, config: true }, "topics");
  return check.integer("topics.partitions", topics?.partitions, { min: 1 }).integer("topics.replicationFactor", topics?.replicationFactor, { min: 1 });
}

export interface TopologyRules {
  readonly provision: Provision;
  readonly settings: TopicSettings | ((topic: string) => TopicSettings) | undefined;
}

/** A controller that has much to do takes its time. */
const CREATE_TIMEOUT_MS = 30_000;
const LOOK_MS = 20;
const LOOK_MOST_MS = 250;
/** A topic that was made and does not show for so long was deleted again. */
const MAKE_AGAIN_MS = 2000;

/** Makes sure that topics are there, as the rules say. Many who ask for one topic at once share the work. */
export class Topology {
  readonly #cluster: Cluster;
  readonly #rules: TopologyRules;
  readonly #underWay: Map<string, Promise<TopicInfo>> = new Map();
  readonly #toMake: Map<string, Deferred<void>> = new Map();

  constructor(cluster: Cluster, rules: TopologyRules) {
    this.#cluster = cluster;
    this.#rules = rules;
  }

  /**
   * The topic, with a leader for every partition. Rejects with `TOPIC_MISSING`, `TOPIC_MISMATCH`, `BAD_TOPIC`, `ACCESS_DENIED`,
   * `AUTHENTICATION_FAILED`, `BROKER_UNREACHABLE`.
   */
  ensure(topic: string): Promise<TopicInfo> {
    let asking = this.#underWay.get(topic);
    if (asking === undefined) {
      asking = this.#ensure(topic).finally(() => this.#underWay.delete(topic));
      this.#underWay.set(topic, asking);
    }
    return asking;
  }

  async #ensure(topic: string): Promise<TopicInfo> {
    const { provision } = this.#rules;
    const before = (await this.#cluster.refresh([topic])).get(topic);
    if (before === undefined) {
      if (provision !== "create") throw missing(topic);
      await this.#create(topic);
    } else if (provision === "verify") this.#verify(before);
    if (before !== undefined) return before; // a partition that lost its leader is waited for elsewhere
    let info: TopicInfo | undefined;
    let madeAt = monotonicMs();
    // A topic just made has leaders in a moment.
    for (let lookMs = LOOK_MS; info === undefined || info.leaders.some((leader) => leader < 0); lookMs = Math.min(lookMs * 1.5, LOOK_MOST_MS)) {
      await sleep(lookMs);
      info = (await this.#cluster.refresh([topic])).get(topic);
      if (info !== undefined || monotonicMs() - madeAt < MAKE_AGAIN_MS) continue;
      await this.#create(topic);
      madeAt = monotonicMs();
    }
    return info;
  }

  /** Topics that are asked for in one turn are made in one request. */
  #create(topic: string): Promise<void> {
    const made = quietDeferred<void>();
    this.#toMake.set(topic, made);
    if (this.#toMake.size === 1) laterTurn(() => void this.#makeAll());
    return made.promise;
  }

  async #makeAll(): Promise<void> {
    const all = new Map(this.#toMake);
    this.#toMake.clear();
    try {
      const requests = [...all.keys()].map((name) => {
        const { partitions = -1, replicationFactor = -1, config = {} } = this.#settingsOf(name);
        const configs = Object.entries(config).map(([key, value]) => ({ name: key, value }));
        return { name, numPartitions: partitions, replicationFactor, assignments: [], configs };
      });
      const { topics } = await this.#cluster.controller(CREATE_TIMEOUT_MS, (links, broker) =>
        links.call(broker, CREATE_TOPICS, requests, CREATE_TIMEOUT_MS, false),
      );
      const answers = new Map(topics.map((answer) => [answer.name, answer]));
      for (const [topic, made] of all) {
        const answer = answers.get(topic);
        const failure = this.#failureOf(topic, errorId(answer?.errorCode ?? 0), answer?.errorMessage);
        if (failure === undefined) made.resolve();
        else made.reject(failure);
      }
    } catch (error) {
      for (const made of all.values()) made.reject(error);
    }
  }

  #failureOf(topic: string, id: string, text: string | null | undefined): unknown {
    if (id === "NONE") this.#cluster.logger.info({ topic, adapter: "kafka" }, "topic created");
    if (id === "NONE" || id === "TOPIC_ALREADY_EXISTS") return undefined;
    const subject = `creating topic ${JSON.stringify(topic)}`;
    return brokerError(id, text === null || text === undefined ? subject : `${subject} (${text})`);
  }

  #verify(info: TopicInfo): void {
    const { partitions } = this.#settingsOf(info.name);
    if (partitions === undefined || info.leaders.length >= partitions) return;
    throw new MillraceError(`topic ${JSON.stringify(info.name)} has ${info.leaders.length} partitions, ${partitions} are asked for`, {
      code: "TOPIC_MISMATCH",
    });
  }

  #settingsOf(topic: string): TopicSettings {
    const { settings } = this.#rules;
    if (typeof settings !== "function") return settings ?? {};
    const chosen = settings(topic) ?? {};
    checkTopics(new OptionCheck(`topic ${JSON.stringify(topic)}`), chosen).done();
    return chosen;
  }
}

export function missing(topic: string): MillraceError {
  return new MillraceError(`topic ${JSON.stringify(topic)} is not there, and may not be made (provision is not "create")`, { code: "TOPIC_MISSING" });
}
