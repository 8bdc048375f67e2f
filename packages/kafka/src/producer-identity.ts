import { MillraceError } from "millrace";
import { brokerError, errorId } from "./kafka-error.ts";
import { INIT_PRODUCER_ID } from "./wire/apis.ts";
import type { BatchIdentity } from "./wire/batch-builder.ts";
import type { Cluster } from "./wire/cluster.ts";

const BUSY: readonly string[] = ["COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR", "CONCURRENT_TRANSACTIONS"];

/** Hands out the identity by which the broker tells repeats; those who ask at once share the request. */
export class ProducerIdentity {
  readonly #cluster: Cluster;
  #asking: Promise<BatchIdentity> | undefined;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  fresh(): Promise<BatchIdentity> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<BatchIdentity> {
    const answer = await this.#cluster.anyone((links, broker) => links.call(broker, INIT_PRODUCER_ID, null, 60_000, -1n, -1));
    const id = errorId(answer.errorCode);
    if (BUSY.includes(id)) throw new MillraceError(`no producer id yet (${id})`, { code: "BROKER_UNREACHABLE", retryable: true });
    if (id !== "NONE") throw brokerError(id, "asking for a producer id");
    return { producerId: answer.producerId, epoch: answer.producerEpoch };
  }
}
