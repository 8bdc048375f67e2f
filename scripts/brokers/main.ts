/** `npm run brokers -- up|down|kill|status|clean [kafka|rabbitmq]`: real brokers on the loopback address. */
import { BROKER_NAMES, type BrokerName } from "./broker.ts";
import { BrokerUnavailable } from "./broker-unavailable.ts";
import { composeClean, composeDown, composeKill, composeRunning, composeUp, hasDocker } from "./docker.ts";
import { openBroker } from "./open-broker.ts";
import { cleanUsual, isBrokerName, startUsual, usualBroker, wantedPort } from "./usual-brokers.ts";

const COMMANDS: Readonly<Record<string, (names: readonly BrokerName[], docker: boolean) => Promise<boolean>>> = { up, down, kill, status, clean };

async function up(names: readonly BrokerName[], docker: boolean): Promise<boolean> {
  // What was started from packages goes on as it is.
  const inContainers = docker ? names.filter((name) => usualBroker(name)?.pid === undefined) : [];
  if (inContainers.length > 0) await composeUp(inContainers);
  const results = await Promise.all(names.map((name) => (inContainers.includes(name) ? tellUp(name, "in a container", urlOf(name)) : upFromPackages(name))));
  return results.every(Boolean);
}

async function upFromPackages(name: BrokerName): Promise<boolean> {
  try {
    const { pid, url } = await startUsual(name);
    return tellUp(name, `process ${pid}`, url);
  } catch (error) {
    console.error(`${name} is not up: ${error instanceof BrokerUnavailable ? error.message : error instanceof Error ? error.message : error}`);
    return false;
  }
}

async function down(names: readonly BrokerName[], docker: boolean): Promise<boolean> {
  await Promise.all(names.map((name) => usualBroker(name)?.stop()));
  if (docker) await composeDown(names);
  return tellAll(names, "is down; its data is kept");
}

async function kill(names: readonly BrokerName[], docker: boolean): Promise<boolean> {
  await Promise.all(names.map((name) => usualBroker(name)?.kill()));
  const running = docker ? await composeRunning() : [];
  const killed = names.filter((name) => running.includes(name));
  if (killed.length > 0) await composeKill(killed);
  return tellAll(names, "is killed; its data is kept");
}

/** True when all of them answer. */
async function status(names: readonly BrokerName[], docker: boolean): Promise<boolean> {
  const containers = docker ? await composeRunning() : [];
  const results = await Promise.all(
    names.map(async (name) => {
      const broker = usualBroker(name);
      if (broker?.pid === undefined && containers.includes(name)) return tellUp(name, "in a container", urlOf(name));
      if (broker === undefined || broker.pid === undefined) return tell(name, "is down", false);
      if (await broker.answers()) return tellUp(name, `process ${broker.pid}`, broker.url);
      return tell(name, `runs (process ${broker.pid}) and does not answer`, false);
    }),
  );
  return results.every(Boolean);
}

async function clean(names: readonly BrokerName[], docker: boolean): Promise<boolean> {
  await Promise.all(names.map(cleanUsual));
  if (docker) await composeClean(names);
  return tellAll(names, "is down and its data deleted");
}

function urlOf(name: BrokerName): string {
  return openBroker({ name, home: "", port: wantedPort(name), nodes: 1 }).url;
}

function tellUp(name: BrokerName, how: string, url: string): boolean {
  return tell(name, `is up (${how}): BROKER_URL=${url}`, true);
}

function tellAll(names: readonly BrokerName[], what: string): boolean {
  for (const name of names) tell(name, what, true);
  return true;
}

function tell(name: BrokerName, what: string, good: boolean): boolean {
  console.log(`${name} ${what}`);
  return good;
}

const [command = "", ...wanted] = process.argv.slice(2);
const run = COMMANDS[command];
if (run === undefined || !wanted.every(isBrokerName)) {
  console.error(`Say npm run brokers -- ${Object.keys(COMMANDS).join("|")} [${BROKER_NAMES.join("|")}]: without a name it means all of them.`);
  process.exit(1);
}
try {
  const docker = process.env.BROKERS_FROM !== "packages" && (await hasDocker());
  process.exitCode = (await run(wanted.length > 0 ? (wanted as BrokerName[]) : BROKER_NAMES, docker)) ? 0 : 1;
} catch (error) {
  if (!(error instanceof BrokerUnavailable)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
