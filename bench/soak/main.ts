/**
 * `npm run soak -- kafka|rabbitmq [--messages N] [--quick] [--write]`: many messages through a broker of its own, with restarts of
 * the broker, killed consumers and members that come and go; then nothing is lost, little is repeated, and order is kept.
 * `--quick` is a short form of it. `--write` puts the figures into bench/RESULTS.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { BROKER_NAMES, type BrokerName } from "../../scripts/brokers/broker.ts";
import { BrokerRun, clearDeadRuns, placeBroker } from "../../scripts/brokers/broker-run.ts";
import { BrokerUnavailable } from "../../scripts/brokers/broker-unavailable.ts";
import { openBroker } from "../../scripts/brokers/open-broker.ts";
import { markdown } from "../harness/markdown.ts";
import { replacePart } from "../harness/results.ts";
import { Soak } from "./soak.ts";
import { fullPlan, shortPlan } from "./soak-plan.ts";
import { soakSection } from "./soak-section.ts";
import { capabilitiesOf } from "./targets.ts";

const RESULTS = new URL("../RESULTS.md", import.meta.url);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { messages: { type: "string" }, quick: { type: "boolean" }, write: { type: "boolean" } },
});
const [name] = positionals;
const messages = values.messages === undefined ? undefined : Number(values.messages);
if (positionals.length !== 1 || !BROKER_NAMES.some((each) => each === name) || (messages !== undefined && !(Number.isInteger(messages) && messages >= 1000))) {
  console.error(`Say npm run soak -- ${BROKER_NAMES.join("|")} [--messages N] [--quick] [--write], with 1,000 messages or more.`);
  process.exit(1);
}

/** Whether all held. */
async function soak(broker: BrokerName): Promise<boolean> {
  await clearDeadRuns();
  const run = new BrokerRun();
  const stop = (): void => void run.end().finally(() => process.exit(130));
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    const own = openBroker(await placeBroker(run.folder, broker));
    await own.install();
    await own.start();
    const plan = values.quick === true ? shortPlan(messages) : fullPlan(messages);
    const begun = performance.now();
    const tell = (text: string): void => console.log(`${((performance.now() - begun) / 1000).toFixed(1).padStart(7)} s  ${text}`);
    const one = await Soak.open({ broker: own, capabilities: await capabilitiesOf(broker), plan, tell });
    await one.run();
    const text = markdown(soakSection(one));
    console.log(`\n${text}\n`);
    const { problems } = one.checks;
    for (const problem of problems.shown) console.error(problem);
    console.log(problems.count === 0 ? "soak: ok" : `soak: failed, ${problems.count} times a rule was broken`);
    if (values.write === true) writeFileSync(RESULTS, replacePart(readFileSync(RESULTS, "utf8"), `soak-${broker}`, text));
    return problems.count === 0;
  } finally {
    await run.end();
  }
}

try {
  process.exitCode = (await soak(name as BrokerName)) ? 0 : 1;
} catch (error) {
  console.error(
    error instanceof BrokerUnavailable ? `soak: not run: ${error.message}` : `soak: failed: ${error instanceof Error ? error.message : String(error)}`,
  );
  process.exitCode = 1;
}
