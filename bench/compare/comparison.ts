import type { BrokerName } from "../../scripts/brokers/broker.ts";
import { withBroker } from "../harness/running-broker.ts";
import type { Checkout } from "./checkout.ts";
import { Child } from "./child.ts";
import { measured, type Outcome } from "./outcome.ts";
import type { Row, Side } from "./row.ts";
import { type Pair, runPair } from "./run-pair.ts";

const SIDES: readonly Side[] = ["old", "new"];

export interface ComparisonSettings {
  readonly checkouts: Readonly<Record<Side, Checkout>>;
  /** Pairs of processes for each row. */
  readonly pairs: number;
  /** A folder for compiled code. */
  readonly cache: string;
  readonly onPair: (row: Row, done: number) => void;
  readonly onOutcome: (row: Row, outcome: Outcome) => void;
}

/** Measures rows one after the other; those that need a broker on one that both sides use. */
export class Comparison {
  readonly #settings: ComparisonSettings;

  constructor(settings: ComparisonSettings) {
    this.#settings = settings;
  }

  async run(rows: readonly Row[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const broker of new Set(rows.map((row) => row.broker))) {
      const those = rows.filter((row) => row.broker === broker);
      outcomes.push(...(broker === undefined ? await this.#all(those, "") : await this.#on(broker, those)));
    }
    return outcomes;
  }

  async #on(broker: BrokerName, rows: readonly Row[]): Promise<readonly Outcome[]> {
    const outcomes = await withBroker(broker, (url) => this.#all(rows, url));
    return "notRun" in outcomes ? rows.map((row) => this.#tell(row, outcomes)) : outcomes;
  }

  async #all(rows: readonly Row[], url: string): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const row of rows) outcomes.push(this.#tell(row, await this.#one(row, url)));
    return outcomes;
  }

  async #one(row: Row, url: string): Promise<Outcome> {
    try {
      if (row.before !== undefined) await this.#before(row.before, url);
      const pairs: Pair[] = [];
      while (pairs.length < this.#settings.pairs) {
        pairs.push(await this.#pair(row, url, pairs.length % 2 === 0 ? "old" : "new"));
        this.#settings.onPair(row, pairs.length);
      }
      return measured(pairs);
    } catch (error) {
      return { failed: error instanceof Error ? error.message : String(error) };
    }
  }

  async #before(before: NonNullable<Row["before"]>, url: string): Promise<void> {
    for (const side of SIDES) {
      const child = this.#start(side);
      await child.run(before({ side, url })).finally(() => child.end());
    }
  }

  async #pair({ slice, warmUps, slices }: Row, url: string, first: Side): Promise<Pair> {
    const children = new Map<Side, Child>();
    for (const side of first === "old" ? SIDES : SIDES.toReversed()) children.set(side, this.#start(side));
    try {
      return await runPair({ warmUps, slices, first }, async (side) => {
        try {
          return (await (children.get(side) as Child).run(slice({ side, url }))).cpuNs as number;
        } catch (error) {
          throw new Error(`${side}: ${(error as Error).message}`, { cause: error });
        }
      });
    } finally {
      await Promise.all([...children.values()].map((child) => child.end()));
    }
  }

  #start(side: Side): Child {
    return new Child(this.#settings.checkouts[side].root, this.#settings.cache);
  }

  #tell(row: Row, outcome: Outcome): Outcome {
    this.#settings.onOutcome(row, outcome);
    return outcome;
  }
}
