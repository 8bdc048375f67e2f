import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, inject, it, onTestFinished, type TestContext } from "vitest";
import type { BrokerName } from "../../scripts/brokers/broker.ts";
import { BrokerUnavailable } from "../../scripts/brokers/broker-unavailable.ts";
import { freePorts } from "../../scripts/brokers/free-ports.ts";
import { openBroker } from "../../scripts/brokers/open-broker.ts";
import { ROOT } from "../../scripts/workspace.ts";

describe.each([
  ["kafka", "KAFKA_PORT", /^kafka is up \(process \d+\): BROKER_URL=kafka:\/\/127\.0\.0\.1:(\d+)\n$/],
  ["rabbitmq", "RABBITMQ_PORT", /^rabbitmq is up \(process \d+\): BROKER_URL=amqp:\/\/guest:guest@127\.0\.0\.1:(\d+)\n$/],
] as const)("npm run brokers for %s", (name, variable, isUp) => {
  it("starts it once, kills it, starts it again, stops it and cleans up", { timeout: 180_000 }, async (context) => {
    await skipWithout(context, name);
    const ports = await freePorts(5);
    const brokers = (command: string): Answer => run([command, name], { [variable]: String(ports.first) });
    expect(brokers("status")).toEqual({ code: 1, output: `${name} is down\n` });
    const up = brokers("up");
    expect(isUp.exec(up.output)?.[1]).toBe(String(ports.first));
    expect(brokers("up")).toEqual(up);
    expect(brokers("status")).toEqual(up);
    expect(brokers("kill")).toEqual({ code: 0, output: `${name} is killed; its data is kept\n` });
    expect(brokers("status").code).toBe(1);
    expect(brokers("up").output).toMatch(isUp);
    expect(brokers("down")).toEqual({ code: 0, output: `${name} is down; its data is kept\n` });
    expect(brokers("clean")).toEqual({ code: 0, output: `${name} is down and its data deleted\n` });
  });

  it("says who has the port", async (context) => {
    await skipWithout(context, name);
    const ports = await freePorts(5);
    const server = createServer();
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(ports.first, "127.0.0.1", resolve));
    const { code, output } = run(["up", name], { [variable]: String(ports.first) });
    expect(output).toMatch(new RegExp(`^${name} is not up: port ${ports.first} is taken by .+: end that, or choose other ports by ${variable}`));
    expect(code).toBe(1);
  });

  it("says what is missing, and where nothing can be installed, why", () => {
    const folder = join(inject("brokers").folder, `path-${name}`);
    mkdirSync(folder);
    symlinkSync(process.execPath, join(folder, "node"));
    const { code, output } = run(["up", name], { PATH: folder });
    expect(output).toMatch(/is not up: .* cannot be started because there is no (Java \(17 or newer\)|Erlang \(erl\)) on PATH\n$/);
    expect(code).toBe(1);
  });
});

describe("npm run brokers", () => {
  it("says how to use it when it does not understand", () => {
    const { code, output } = run(["up", "carrier-pigeon"]);
    expect(output).toContain("npm run brokers -- up|down|kill|status|clean [kafka|rabbitmq]");
    expect(code).toBe(1);
  });

  it("refuses a port that is none", () => {
    const { code, output } = run(["up", "kafka"], { KAFKA_PORT: "here" });
    expect(output).toBe("kafka is not up: KAFKA_PORT is no port from 1024 to 65530: here\n");
    expect(code).toBe(1);
  });
});

interface Answer {
  readonly code: number | null;
  readonly output: string;
}

/** The command, on packages, with its data in the folder of this run of tests. */
function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Answer {
  const here = { BROKERS_FROM: "packages", BROKERS_HOME: inject("brokers").folder };
  const command = ["--conditions=millrace:source", "scripts/brokers/main.ts", ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: ROOT, encoding: "utf8", env: { ...process.env, ...here, ...env } });
  return { code: status, output: stdout + stderr };
}

/** What a broker needs is installed here, or the test is not run. */
async function skipWithout(context: TestContext, name: BrokerName): Promise<void> {
  try {
    await openBroker({ name, home: "", port: 0, nodes: 1 }).install();
  } catch (error) {
    if (!(error instanceof BrokerUnavailable)) throw error;
    context.skip(error.message);
  }
}
