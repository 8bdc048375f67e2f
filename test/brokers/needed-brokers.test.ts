import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { neededBrokers } from "./needed-brokers.ts";

describe("the brokers that test files need", () => {
  it("are those named where sharedBroker is called", () => {
    const file = written({ "a.test.ts": 'const broker = sharedBroker("rabbitmq");' });
    expect(neededBrokers([file("a.test.ts")])).toEqual({ shared: ["rabbitmq"], any: true });
  });

  it("are found through what a test imports", () => {
    const file = written({
      "a.test.ts": 'import { broker } from "./b.ts";',
      "b.ts": 'export { broker } from "./c.ts";\nimport "./a.test.ts";',
      "c.ts": 'export const broker = sharedBroker("kafka");',
    });
    expect(neededBrokers([file("a.test.ts")]).shared).toEqual(["kafka"]);
  });

  it("are none where a test only mentions one", () => {
    const file = written({ "a.test.ts": 'const name = "kafka";' });
    expect(neededBrokers([file("a.test.ts")])).toEqual({ shared: [], any: false });
  });

  it("are not started for tests that have their own", () => {
    const file = written({ "a.test.ts": 'const broker = await ownBroker("kafka");' });
    expect(neededBrokers([file("a.test.ts")])).toEqual({ shared: [], any: true });
  });
});

function written(files: Readonly<Record<string, string>>): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), "millrace-needed-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, code] of Object.entries(files)) writeFileSync(join(folder, name), code);
  return (name) => join(folder, name);
}
