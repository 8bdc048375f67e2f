import { installDebianPackages } from "../debian-packages.ts";
import { findProgram } from "../programs.ts";

/** Debian's PATH leads to wrappers that know the system's one node only; the real programs are in the first of these. */
const FOLDERS = ["/usr/lib/rabbitmq/bin", "/opt/homebrew/sbin", "/usr/local/sbin"];

/** The path of a program of RabbitMQ's; undefined where it, or the Erlang that it runs on, is not installed. */
export function rabbitmqProgram(name: "rabbitmq-server" | "rabbitmqctl"): string | undefined {
  if (findProgram("erl") === undefined || findProgram("epmd") === undefined) return undefined;
  return FOLDERS.map((folder) => findProgram(`${folder}/${name}`)).find((path) => path !== undefined) ?? findProgram(name);
}

/** Sees to it that RabbitMQ is installed; throws `BrokerUnavailable` where it cannot be. */
export async function installRabbitmq(): Promise<void> {
  if (rabbitmqProgram("rabbitmq-server") !== undefined) return;
  const erlang = findProgram("erl") === undefined;
  await installDebianPackages("RabbitMQ", ["rabbitmq-server"], erlang ? "there is no Erlang (erl) on PATH" : "there is no rabbitmq-server on PATH");
}
