import { spawn } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "../workspace.ts";
import type { BrokerName } from "./broker.ts";
import { BrokerUnavailable } from "./broker-unavailable.ts";
import { findProgram } from "./programs.ts";
import { PORT_VARIABLES, wantedPort } from "./usual-brokers.ts";

const COMPOSE = ["compose", "--file", join(ROOT, "compose.yaml")];

/** Whether there are an engine that answers within five seconds and `docker compose`. */
export async function hasDocker(): Promise<boolean> {
  if (findProgram("docker") === undefined) return false;
  return (await docker(["info"], "ignore", 5_000)) === 0 && (await docker(["compose", "version"], "ignore", 5_000)) === 0;
}

/** Starts containers, or lets them go on, and waits until they are healthy. */
export async function composeUp(names: readonly BrokerName[]): Promise<void> {
  const code = await docker([...COMPOSE, "up", "--detach", "--wait", ...names]);
  if (code !== 0) throw new BrokerUnavailable(`docker compose up ended with code ${code}; what it said stands above`);
}

/** Those of the brokers that have a running container. */
export async function composeRunning(): Promise<readonly string[]> {
  const { stdout, code } = await output([...COMPOSE, "ps", "--services", "--status", "running"]);
  return code === 0 ? stdout.split("\n").filter((line) => line !== "") : [];
}

/** The volumes with the data stay. */
export async function composeDown(names: readonly BrokerName[]): Promise<void> {
  await docker([...COMPOSE, "rm", "--stop", "--force", ...names]);
}

export async function composeKill(names: readonly BrokerName[]): Promise<void> {
  await docker([...COMPOSE, "kill", ...names]);
}

export async function composeClean(names: readonly BrokerName[]): Promise<void> {
  await docker([...COMPOSE, "rm", "--stop", "--force", ...names]);
  await docker(["volume", "rm", "--force", ...names.map((name) => `millrace_${name}`)], "ignore");
}

function environment(): NodeJS.ProcessEnv {
  const ports = (["kafka", "rabbitmq"] as const).map((name) => [PORT_VARIABLES[name], String(wantedPort(name))]);
  return { ...process.env, ...Object.fromEntries(ports) };
}

function docker(args: readonly string[], stdio: "inherit" | "ignore" = "inherit", timeout?: number): Promise<number | null> {
  const child = spawn("docker", args, { stdio: ["ignore", stdio, stdio], env: environment(), timeout });
  return new Promise((resolve) => child.on("error", () => resolve(null)).on("close", resolve));
}

async function output(args: readonly string[]): Promise<{ readonly stdout: string; readonly code: number | null }> {
  const child = spawn("docker", args, { stdio: ["ignore", "pipe", "ignore"], env: environment(), timeout: 10_000 });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  const code = await new Promise<number | null>((resolve) => child.on("error", () => resolve(null)).on("close", resolve));
  return { stdout, code };
}
