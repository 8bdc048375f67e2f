import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXPECTED, outputOver } from "./output.fixture.ts";

describe("hello-router", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "hello-router-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("prints the same on memory and on SQLite", async () => {
    const [memory, sqlite] = await Promise.all([outputOver("memory:"), outputOver(`sqlite:${join(folder, "hello.db")}`)]);
    expect(memory).toEqual(EXPECTED);
    expect(sqlite).toEqual(EXPECTED);
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
    expect(text).toContain("memory:, amqp:, kafka:, sqlite:");
  });
});
