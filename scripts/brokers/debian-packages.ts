import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { alone } from "../launch/alone.mjs";
import { BrokerUnavailable } from "./broker-unavailable.ts";
import { BROKERS_FOLDER } from "./brokers-folder.ts";
import { type Ended, findProgram, runProgram } from "./programs.ts";

/** What the scripts of Debian's packages ask before they start a service; 101 is "do not". */
const POLICY = "/usr/sbin/policy-rc.d";

let listsAreFresh = false;

/** Installs packages where that can be done without asking: as root on Debian and its like. Throws `BrokerUnavailable` elsewhere, naming the cause and the command. */
export async function installDebianPackages(broker: string, packages: readonly string[], cause: string): Promise<void> {
  const command = `apt-get install --no-install-recommends ${packages.join(" ")}`;
  const apt = findProgram("apt-get");
  if (apt === undefined) throw new BrokerUnavailable(`${broker} cannot be started because ${cause}`);
  if (process.getuid?.() !== 0) throw new BrokerUnavailable(`${broker} cannot be started because ${cause}: "${command}" as root installs it`);
  // One apt-get at a time: it does not wait for another.
  const { code, output } = await alone(join(BROKERS_FOLDER, ".apt-lock"), async () => {
    console.log(`Installing the Debian packages ${packages.join(", ")} for ${broker}, this once.`);
    if (!listsAreFresh) await run(apt, ["update"]);
    listsAreFresh = true;
    return withoutServices(() => run(apt, ["install", "-y", "--no-install-recommends", ...packages]));
  });
  if (code !== 0) throw new BrokerUnavailable(`${broker} cannot be started because ${cause}, and "${command}" ended with code ${code}: ${lastError(output)}`);
}

async function run(apt: string, args: readonly string[]): Promise<Ended> {
  return runProgram(apt, ["-qq", "-o", "DPkg::Lock::Timeout=120", ...args], { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
}

/** Installed packages start their services on the usual ports at once, unless this machine's policy, or this one in its place, forbids it. */
async function withoutServices<T>(install: () => Promise<T>): Promise<T> {
  if (existsSync(POLICY)) return install();
  writeFileSync(POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  const remove = (): void => rmSync(POLICY, { force: true });
  process.once("exit", remove);
  try {
    return await install();
  } finally {
    remove();
    process.off("exit", remove);
  }
}

function lastError(output: string): string {
  const errors = output.split("\n").filter((line) => line.startsWith("E: "));
  return (errors[0] ?? output.trim().split("\n").at(-1) ?? "").slice(0, 300);
}
