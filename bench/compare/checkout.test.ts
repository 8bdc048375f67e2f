import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { MemorySettings } from "../cases/memory-settings.ts";
import { call } from "../harness/case.ts";
import { Checkout, HERE } from "./checkout.ts";
import { Child } from "./child.ts";

const A_FEW = call<MemorySettings>("memory-millrace", { count: 100, warmUp: 0, bytes: 16, handler: "sync", concurrency: 1 });

/** Something like a checkout, in which every package of ours ends the process with code 42 as soon as it is loaded. */
let root: string;
let cache: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "millrace-checkout-")));
  cache = join(root, "cache");
  for (const name of ["millrace", "@millrace/sql", "@millrace/kafka", "@millrace/rabbitmq"]) addPackage(join(root, "node_modules", name));
});
afterEach(() => rmSync(root, { recursive: true, force: true, maxRetries: 3 }));

describe("Checkout", () => {
  it("accepts a checkout whose packages are its own", () => {
    expect([root, HERE].map((path) => new Checkout(path).root)).toEqual([root, realpathSync(HERE)]);
  });

  it("refuses one in which nothing is installed", () => {
    rmSync(join(root, "node_modules/@millrace/kafka"), { recursive: true });
    expect(() => new Checkout(root)).toThrow("@millrace/kafka is missing: run npm ci there");
  });

  it("refuses one whose packages are those of another: that would compare the other", () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "millrace-elsewhere-"));
    try {
      addPackage(elsewhere);
      rmSync(join(root, "node_modules/millrace"), { recursive: true });
      symlinkSync(elsewhere, join(root, "node_modules/millrace"), "junction");
      expect(() => new Checkout(root)).toThrow("which is not its own");
    } finally {
      rmSync(elsewhere, { recursive: true, force: true });
    }
  });
});

describe("Child", () => {
  it("runs a case of ours on the sources of the checkout, and again in the same process", async () => {
    const child = new Child(HERE, cache);
    const figures = [await child.run(A_FEW), await child.run(A_FEW)];
    await child.end();
    expect(figures.map(({ cpuNs }) => (cpuNs as number) > 0)).toEqual([true, true]);
    const other = new Child(root, cache);
    await expect(other.run(A_FEW)).rejects.toThrow("ended with code 42");
    await expect(other.run(A_FEW)).rejects.toThrow("it has ended");
    await other.end();
  });
});

function addPackage(folder: string): void {
  mkdirSync(dirname(folder), { recursive: true });
  mkdirSync(folder, { recursive: true });
  const exports = { ".": { "millrace:source": "./index.js" }, "./package.json": "./package.json" };
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module", exports }));
  writeFileSync(join(folder, "index.js"), "process.exit(42); export const [MemoryPubSub, Message, Router] = [];");
}
