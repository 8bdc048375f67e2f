import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect } from "millrace";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runHelloRouter } from "./hello-router.ts";

/** Ids become the order in which they first appear. */
function normalised(lines: readonly string[]): string[] {
  const ids = new Map<string, string>();
  const name = (id: string): string => ids.get(id) ?? ids.set(id, `<id ${ids.size + 1}>`).get(id) ?? "";
  return lines.map((line) => line.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, name));
}

/** Three handlers run side by side, so between two messages their lines come in any order. */
function cycles(lines: readonly string[]): string[][] {
  const all: string[][] = [];
  for (const line of lines) {
    if (line.startsWith("\nsending")) all.push([]);
    all.at(-1)?.push(line);
  }
  const order = ["\nsending", "executing", "[hello_handler]", "[incoming_topic_handler]", "[outgoing_topic_handler]"];
  const place = (line: string): number => order.findIndex((start) => line.startsWith(start));
  return all.map((cycle) => cycle.sort((a, b) => place(a) - place(b)));
}

async function output(url: string, count: number): Promise<string[]> {
  const lines: string[] = [];
  const broker = await connect(url, { sqlite: () => import("@millrace/sql") });
  await runHelloRouter({ broker, intervalMs: 500, count, print: (line) => lines.push(line) });
  return normalised(cycles(lines).flat());
}

describe("hello-router", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "hello-router-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("prints the same on memory and on SQLite", async () => {
    const [memory, sqlite] = await Promise.all([output("memory:", 2), output(`sqlite:${join(folder, "hello.db")}`, 2)]);
    expect(memory).toEqual([
      "\nsending message <id 1>, correlation id <id 2>",
      "executing hello_handler specific middleware for <id 1>",
      "[hello_handler] received <id 1>",
      "[incoming_topic_handler] received <id 1>: Hello, Millrace! (correlation id <id 2>)",
      "[outgoing_topic_handler] received <id 3>: Hello from hello_handler! (correlation id <id 2>)",
      "\nsending message <id 4>, correlation id <id 5>",
      "executing hello_handler specific middleware for <id 4>",
      "[hello_handler] received <id 4>",
      "[incoming_topic_handler] received <id 4>: Hello, Millrace! (correlation id <id 5>)",
      "[outgoing_topic_handler] received <id 6>: Hello from hello_handler! (correlation id <id 5>)",
    ]);
    expect(sqlite).toEqual(memory);
  });

  it("ends cleanly at Ctrl-C", async () => {
    const main = fileURLToPath(new URL("main.ts", import.meta.url));
    const child = spawn(process.execPath, ["--conditions=millrace:source", main], { env: { ...process.env, BROKER_URL: "memory:", INTERVAL_MS: "60000" } });
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
      if (text.includes("[outgoing_topic_handler]")) child.kill("SIGINT");
    });
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => child.on("exit", (...end) => resolve(end)));
    expect([code, signal]).toEqual([0, null]);
  });

  it("refuses a broker it does not know, and lists those it does", async () => {
    const main = fileURLToPath(new URL("main.ts", import.meta.url));
    const child = spawn(process.execPath, ["--conditions=millrace:source", main], { env: { ...process.env, BROKER_URL: "pigeon://roof" } });
    let text = "";
    child.stderr.on("data", (chunk) => {
      text += chunk;
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect(code).toBe(1);
    expect(text).toContain("memory:, sqlite:");
  });
});
