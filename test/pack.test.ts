import { existsSync } from "node:fs";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, describe, expect, it } from "vitest";
import { packages, ROOT } from "../scripts/workspace.ts";
import { sharedBroker } from "./brokers/index.ts";
import { Consumer } from "./consumer.ts";
import { firstMessageOn, firstProgram } from "./fences.ts";

const consumer = new Consumer();
afterAll(() => consumer[Symbol.dispose]());

const NODE_22 = ["linux-x64", "linux-arm64", "darwin-x64", "bin-darwin-arm64", "win-x64"]
  .map((system) => join(ROOT, "test/node-22/node_modules", `node-${system}`, "bin", process.platform === "win32" ? "node.exe" : "node"))
  .find(existsSync);
const NODES = [
  { name: "Node 22", node: NODE_22 },
  { name: "Node 24", node: process.execPath },
];
const SUBPATHS = packages().flatMap(({ entries }) => [...entries.keys()]);

describe.each(packages())("the package $name", ({ name, path }) => {
  const tarball = consumer.tarballs.get(name) as string;

  it("is clean for publint", async () => {
    const { messages, pkg } = await publint({ pkgDir: path, pack: "npm", strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  it("is clean for attw", () => {
    const attw = join(ROOT, "node_modules/@arethetypeswrong/cli/dist/index.js");
    expect(consumer.run(process.execPath, attw, tarball, "--profile", "esm-only", "--no-emoji", "--no-color")).not.toMatch(/^exit code/);
  });

  it("holds compiled files, its licence and its readme, and no tests or sources", () => {
    const files = consumer.run("tar", "-tf", tarball).trim().split("\n");
    expect(files.filter((file) => !/^package\/(package\.json|LICENSE|README\.md|dist\/.*(\.js|\.d\.ts))$/.test(file))).toEqual([]);
    expect(files).toEqual(expect.arrayContaining(["package/LICENSE", "package/README.md"]));
    expect(files.filter((file) => /\.test\.|testdata/.test(file))).toEqual([]);
  });
});

describe.each(NODES)("installed from its packed files on $name", ({ node }) => {
  it("runs the first program of the readme, which prints what the readme says", (context) => {
    if (node === undefined) return context.skip("there is no such Node for this system");
    const { code, output } = firstProgram();
    expect(consumer.run(node, "--disable-warning=ExperimentalWarning", consumer.write("first.ts", code))).toBe(output);
  });

  it("is loaded by require from CommonJS, every subpath of it", (context) => {
    if (node === undefined) return context.skip("there is no such Node for this system");
    const program = `for (const name of ${JSON.stringify(SUBPATHS)}) if (typeof require(name) !== "object") throw new Error(name);\nconsole.log(typeof require("millrace").Router);`;
    expect(consumer.run(node, "--disable-warning=ExperimentalWarning", consumer.write("first.cjs", program))).toBe("function\n");
  });

  it("mixes with a second copy of itself", (context) => {
    if (node === undefined) return context.skip("there is no such Node for this system");
    expect(consumer.run(node, consumer.write("mixed.ts", MIXED))).toBe("recognised\nhello from the other copy\n");
  });
});

describe("the first message of a broker's readme, installed from packed files", () => {
  for (const name of ["kafka", "rabbitmq"] as const) {
    it(`prints on ${name} what the readme says`, (context) => {
      const broker = sharedBroker(name);
      if ("notRun" in broker) return context.skip(broker.notRun);
      const { code, output } = firstMessageOn(name, broker.url);
      expect(consumer.run(process.execPath, consumer.write(`first-${name}.ts`, code))).toBe(`${output}\n`);
    });
  }
});

const MIXED = `
import { MemoryPubSub, Message, MillraceError, Router } from "millrace";
import { correlationId, recoverer, retry } from "millrace/middleware";
import * as again from "millrace-again";
import * as againMiddleware from "millrace-again/middleware";

if (again.MillraceError === MillraceError) throw new Error("there is only one copy");
console.log(MillraceError.is(new again.PermanentError("no")) && again.MillraceError.is(new MillraceError("no", { code: "NO" })) ? "recognised" : "not recognised");

const bus = new again.MemoryPubSub();
const router = new Router({ subscriber: bus, publisher: bus, owns: [bus] });
router.addMiddleware(correlationId(), againMiddleware.recoverer(), retry(), againMiddleware.correlationId(), recoverer());
router.addHandler({ name: "greet", subscribe: "names", publish: "greetings", handle: (m) => new again.Message(\`hello \${m.text()}\`) });
router.addConsumerHandler({ name: "print", subscribe: "greetings", handle: (m) => console.log(m.text()) });
await router.start();
await bus.publish("names", new Message("from the other copy"));
await router.idle();
await router.close();
`;

describe.each([
  { compiler: "TypeScript 5.9", tsc: "node_modules/typescript-5/bin/tsc" },
  { compiler: "TypeScript 7", tsc: "node_modules/typescript/bin/tsc" },
])("the types under $compiler", ({ tsc }) => {
  const settings = [
    { module: "nodenext", moduleResolution: "nodenext", exactOptionalPropertyTypes: true },
    { module: "nodenext", moduleResolution: "nodenext", exactOptionalPropertyTypes: false },
    { module: "preserve", moduleResolution: "bundler", exactOptionalPropertyTypes: true },
    { module: "preserve", moduleResolution: "bundler", exactOptionalPropertyTypes: false },
  ];

  it.each(settings)("check without skipLibCheck: $moduleResolution, exactOptionalPropertyTypes $exactOptionalPropertyTypes", (setting) => {
    consumer.write("first.ts", firstProgram().code);
    consumer.write("mixed.ts", MIXED);
    consumer.write("every.ts", SUBPATHS.map((name, at) => `export * as e${at} from ${JSON.stringify(name)};\n`).join(""));
    const compilerOptions = {
      ...setting,
      target: "es2024",
      lib: ["es2024", "esnext.disposable"],
      types: ["node"],
      strict: true,
      noEmit: true,
      skipLibCheck: false,
    };
    const config = consumer.write("tsconfig.json", JSON.stringify({ compilerOptions, files: ["first.ts", "mixed.ts", "every.ts"] }));
    expect(consumer.run(process.execPath, join(ROOT, tsc), "-p", config)).toBe("");
  });
});
