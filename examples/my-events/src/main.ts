import { parseArgs } from "node:util";
import { MillraceError } from "millrace";
import { checkBroker } from "./broker/open-broker.ts";
import { Complaint } from "./complaint.ts";
import { loadConfig, type ProcessName } from "./config/index.ts";
import type { ServiceName } from "./contracts/index.ts";
import { runProcess } from "./run-process.ts";
import { rebuildService } from "./service/rebuild-service.ts";
import { EXIT_CONFIG, supervise } from "./supervisor/index.ts";

const USAGE = `MyEvents: EventService and BookingService, tied together by events.

  start                      both services and the live page, kept running
  events | bookings | page   one of them alone
  rebuild events | bookings  make a service's state again from its event log

  --config <file>            a JSON file; environment variables go over it
Variables: EVENTS_PORT, BOOKINGS_PORT, PAGE_PORT, LISTEN_HOST, DATA_DIR, BROKER_URL`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { config: { type: "string" }, help: { type: "boolean", short: "h" } } });
  const [command = "start", service, ...rest] = positionals;
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const load = (alone?: ProcessName) => loadConfig({ file: values.config, env: process.env, alone });
  if (command === "rebuild" && (service === "events" || service === "bookings") && rest.length === 0) return rebuild(service, load(service));
  if (service === undefined) {
    if (command === "start") {
      const config = load();
      checkBroker(config.brokerUrl);
      return supervise({ config, configFile: values.config, print: (line) => console.log(line) });
    }
    if (command === "together") return run(["events", "bookings", "page"], load());
    // Under the supervisor the file is everybody's; alone it may be the seed's, one service's own.
    const supervised = process.env.MY_EVENTS_SUPERVISED === "1";
    if (command === "events" || command === "bookings" || command === "page") return run([command], load(supervised ? undefined : command));
  }
  console.error(`my-events does not know "${positionals.join(" ")}".\n\n${USAGE}`);
  return 64;
}

async function run(parts: readonly ProcessName[], config: ReturnType<typeof loadConfig>): Promise<number> {
  checkBroker(config.brokerUrl);
  await runProcess(parts, config);
  return 0;
}

async function rebuild(service: ServiceName, config: ReturnType<typeof loadConfig>): Promise<number> {
  const { records, same } = await rebuildService(service, config);
  console.log(`rebuilt ${service} from ${records} records of its log: ${same ? "the state is what it was" : "the state was different before"}`);
  return 0;
}

main().then(
  (code) => {
    process.exitCode = code;
    // A process that is kept by nothing but its supervisor's channel must still end.
    if (process.connected) process.disconnect();
  },
  (error: unknown) => {
    console.error(explain(error));
    process.exitCode = isConfiguration(error) ? EXIT_CONFIG : 1;
    if (process.connected) process.disconnect();
  },
);

function explain(error: unknown): string {
  const { code, address, port, path } = error as NodeJS.ErrnoException & { readonly address?: string; readonly port?: number };
  if (code === "EADDRINUSE") return `port ${port} of ${address} is in use: give another one (EVENTS_PORT, BOOKINGS_PORT, PAGE_PORT)`;
  if (code === "EACCES" && port !== undefined) return `port ${port} may not be used (${code}): give another one (EVENTS_PORT, BOOKINGS_PORT, PAGE_PORT)`;
  if (isUnwritable(code)) return `${path ?? "the data's folder"} cannot be written to (${code}): give another folder with DATA_DIR`;
  if (typeof code === "string" && code.startsWith("ERR_PARSE_ARGS")) return `${(error as Error).message}\n\n${USAGE}`;
  return MillraceError.is(error) || error instanceof Complaint || isConfiguration(error) ? (error as Error).message : String((error as Error)?.stack ?? error);
}

function isUnwritable(code: unknown): boolean {
  return ["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST", "ENOSPC"].includes(String(code));
}

/** What does not change by starting again. */
function isConfiguration(error: unknown): boolean {
  const code = (error as { readonly code?: unknown } | null)?.code;
  if (typeof code !== "string") return false;
  return code.startsWith("ERR_PARSE_ARGS") || isUnwritable(code) || ["EADDRINUSE", "EADDRNOTAVAIL", "BAD_OPTION", "UNKNOWN_SCHEME"].includes(code);
}
