import { dirname, join } from "node:path/posix";
import { describe, expect, it } from "vitest";
import { packageSources, readSource, repositoryFiles, type SourceFile } from "./sources.ts";

/** The rooms of `millrace`, lowest first: a room imports from its own layer and from lower ones. A room that is not named here is a component. */
const LAYERS = [["internal"], ["errors", "logger", "options"], ["message"], ["adapter"], ["middleware", "router", "memory", "io"], ["relay"]];
const COMPONENTS = LAYERS.length;
/** They import anything, and nothing imports them. */
const TOOLS = ["testing", "conformance"];
const USES_NODE = ["io", "plugins", ...TOOLS];
const BANNED_WORDS = /^(utils?|helpers?|managers?|base|impl|common|misc)$/;

const files = repositoryFiles();
const programs = files.filter((path) => /\.(ts|mjs)$/.test(path)).map(readSource);
const sources = packageSources();
const millrace = sources.filter(({ path }) => path.startsWith("packages/millrace/src/"));

describe("the rooms of millrace", () => {
  it("import only from their own layer and lower ones", () => {
    expect(between(millrace, (from, to) => !TOOLS.includes(from) && !TOOLS.includes(to) && layerOf(to) > layerOf(from))).toEqual([]);
  });

  it("do not import what is made for tests", () => {
    expect(between(millrace, (from, to) => TOOLS.includes(to) && !TOOLS.includes(from))).toEqual([]);
  });

  it("keep middleware apart from the router", () => {
    expect(between(millrace, (from, to) => from === "middleware" && to === "router")).toEqual([]);
  });

  it("import from node only where they are made for it", () => {
    const portable = millrace.filter(({ path }) => !USES_NODE.includes(roomOf(path)));
    expect(listed(portable, (file) => importsOf(file).filter((name) => !name.startsWith(".")))).toEqual([]);
  });
});

describe("the packages beside millrace", () => {
  it("are written against the contract and millrace/adapter alone", () => {
    const others = sources.filter((file) => !millrace.includes(file));
    expect(listed(others, (file) => importsOf(file).filter((name) => /^millrace\//.test(name) && name !== "millrace/adapter"))).toEqual([]);
  });
});

describe("published sources", () => {
  it("wait and tell the time through internal/timers alone", () => {
    const clocks = /(?<![.\w])(setTimeout|setInterval|setImmediate)\(|globalThis\.set\w+\(|\b(Date|performance)\.now\(/g;
    const elsewhere = sources.filter(({ path }) => path !== "packages/millrace/src/internal/timers.ts" && !TOOLS.includes(roomOf(path)));
    expect(listed(elsewhere, ({ code }) => code.match(clocks))).toEqual([]);
  });

  it("await nothing while they load, so that CommonJS can require them", () => {
    expect(listed(sources, ({ code }) => code.match(/^(?:(?:export )?(?:const|let)\b[^;{]*=\s*)?(?:for )?await\b/gm))).toEqual([]);
  });

  it("name no source file at run time, for there is none once they are built", () => {
    expect(listed(sources, ({ code }) => code.replace(IMPORTS, "").match(/"\.{1,2}\/[^"\n]*\.ts"/g))).toEqual([]);
  });
});

describe("every file", () => {
  it("has a name in kebab-case that says what it holds", () => {
    const named = files.filter((path) => /^(packages|examples|scripts|test|bench)\//.test(path) && /\.(ts|mjs)$/.test(path));
    const words = (path: string): string[] => (path.split("/").at(-1) as string).split(/[-.]/);
    expect(named.filter((path) => words(path).some((word) => BANNED_WORDS.test(word) || !/^[a-z0-9]+$/.test(word)))).toEqual([]);
  });

  it("has 300 lines at most", () => {
    expect(programs.filter(({ text }) => text.split("\n").length > 301).map(({ path }) => path)).toEqual([]);
  });

  it("leaves nothing to be done later", () => {
    expect(listed(programs, ({ text }) => text.match(/\b(TO[D]O|FIX[M]E|X[X]X)\b/g))).toEqual([]);
  });

  it("leaves no test out", () => {
    expect(listed(programs, ({ code }) => code.match(/(?<!\.)\b(it|test|describe)\.(only|skip|todo|fails)\b/g))).toEqual([]);
  });

  it("names no path of somebody's machine and no registry", () => {
    const text = files.filter((path) => !/\.(db|png|ico|bin|gz)$/.test(path)).map(readSource);
    const private_ = /(?<![\w.])\/(work|root|home|Users)\/[\w.-]+|registry[.][\w-]+\.\w+|npm[j]s\.\w+|"resolved": "http[s]?:[^"]*/g;
    expect(listed(text, (file) => file.text.match(private_))).toEqual([]);
  });
});

const IMPORTS = /^(?:import|export)\b[^;"'=]*?\bfrom\s+"([^"\n]+)"|^import\s+"([^"\n]+)"|\bimport\("([^"\n]+)"\)/gm;

function importsOf({ code }: SourceFile): string[] {
  return [...code.matchAll(IMPORTS)].map((match) => (match[1] ?? match[2] ?? match[3]) as string);
}

/** `packages/millrace/src/message/after.ts` is in the room `message`; a file beside the rooms is in none. */
function roomOf(path: string): string {
  return path.split("/").length > 4 ? (path.split("/")[3] as string) : "";
}

function layerOf(room: string): number {
  if (room === "") return COMPONENTS + 1;
  const layer = LAYERS.findIndex((rooms) => rooms.includes(room));
  return layer === -1 ? COMPONENTS : layer;
}

/** The imports from one room into another that `wrong` picks out. */
function between(from: readonly SourceFile[], wrong: (from: string, to: string) => boolean): string[] {
  return listed(from, (file) => importsOf(file).filter((name) => name.startsWith(".") && wrong(roomOf(file.path), roomOf(join(dirname(file.path), name)))));
}

function listed(from: readonly SourceFile[], find: (file: SourceFile) => readonly string[] | null): string[] {
  return from.flatMap((file) => (find(file) ?? []).map((found) => `${file.path}: ${found}`));
}
