import { inject } from "vitest";
import type { BrokerName } from "../../scripts/brokers/broker.ts";
import { type NewBroker, placeBroker } from "../../scripts/brokers/broker-run.ts";
import { BrokerUnavailable } from "../../scripts/brokers/broker-unavailable.ts";
import type { KafkaBroker } from "../../scripts/brokers/kafka/kafka-broker.ts";
import { openBroker } from "../../scripts/brokers/open-broker.ts";
import type { RabbitmqBroker } from "../../scripts/brokers/rabbitmq/rabbitmq-broker.ts";
import type { StartedBroker } from "./global-setup.ts";

export { KAFKA_USERS } from "../../scripts/brokers/kafka/kafka-settings.ts";
export type { KafkaBroker, RabbitmqBroker };

interface TestBrokers {
  readonly kafka: KafkaBroker;
  readonly rabbitmq: RabbitmqBroker;
}

/** A real broker to test with. Any process may kill it, start it again, freeze and thaw it. */
export type TestBroker = TestBrokers[BrokerName];

/** Why this machine has no such broker: for `context.skip(reason)`. */
export interface NotRun {
  readonly notRun: string;
}

/**
 * The broker that all tests of this run share; or why there is none. It is started before the tests, if one of their files, or of what they
 * import, calls this function with the name written out. What disturbs others is for `ownBroker`.
 */
export function sharedBroker<N extends BrokerName>(name: N): TestBrokers[N] | NotRun {
  const started: StartedBroker | undefined = inject("brokers")[name];
  if (started === undefined) throw new Error(`no test file names "${name}" beside a call of sharedBroker, so it was not started`);
  if ("broken" in started) throw new Error(`${name} is installed and does not start: ${started.broken}`);
  return "address" in started ? opened(name, started.address) : { notRun: started.notRun };
}

/**
 * A broker of the test's own, to be killed and cut off at will. Give it back with `remove()`; what is left is killed
 * and removed when the run of tests ends.
 */
export async function ownBroker<N extends BrokerName>(name: N, options: NewBroker = {}): Promise<TestBrokers[N] | NotRun> {
  const broker = opened(name, await placeBroker(inject("brokers").folder, name, options));
  try {
    await broker.install();
  } catch (error) {
    if (error instanceof BrokerUnavailable) return { notRun: error.message };
    throw error;
  }
  await broker.start();
  return broker;
}

function opened<N extends BrokerName>(name: N, address: Parameters<typeof openBroker>[0]): TestBrokers[N] {
  return openBroker({ ...address, name }) as TestBrokers[N];
}
