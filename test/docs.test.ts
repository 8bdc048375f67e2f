import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { adapterTable, README, TABLE } from "../scripts/adapter-table.ts";
import { ROOT } from "../scripts/workspace.ts";
import { fences } from "./fences.ts";
import { packageSources, readSource, repositoryFiles } from "./sources.ts";

const CODE = /"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)"/g;

describe("docs/errors.md", () => {
  const documented = rowsOf("docs/errors.md").flatMap(([code]) => inCode(code));
  const sources = packageSources();
  const made = new Set(sources.flatMap(({ code }) => [...code.matchAll(/\bcode:([^,;}\n]*)/g)].flatMap(([, value]) => all(CODE, value))));
  const named = new Set(sources.flatMap(({ code }) => all(CODE, code)));

  it("has a row for every code that an error is made with", () => {
    expect([...made].filter((code) => !documented.includes(code))).toEqual([]);
  });

  it("has no row for a code that no error is made with", () => {
    expect(documented.filter((code) => !named.has(code))).toEqual([]);
  });

  it("has one row a code, sorted, each with its meaning and its cure", () => {
    expect(documented).toEqual([...new Set(documented)].sort());
    expect(rowsOf("docs/errors.md").filter((cells) => cells.length < 3 || cells.includes(""))).toEqual([]);
  });
});

describe("docs/failures.md", () => {
  const rows = rowsOf("docs/failures.md");
  const literals = new Set(
    repositoryFiles()
      .filter((path) => /^(packages|examples)\/.*\.ts$/.test(path))
      .flatMap((path) => all(/"(\w+)"/g, readSource(path).code)),
  );

  it("names codes that exist", () => {
    expect(rows.flatMap(([, codes]) => inCode(codes)).filter((code) => !literals.has(code))).toEqual([]);
  });

  it("names for every fault a test that exists, by its file and its title", () => {
    expect(rows.length).toBeGreaterThan(0);
    const unnamed = rows.filter((cells) => testsIn(cells.at(-1)).length === 0).map(([fault]) => `${fault}: no test`);
    const missing = rows.flatMap((cells) => testsIn(cells.at(-1)).filter(({ file, title }) => !holds(file, title)));
    expect([...unnamed, ...missing.map(({ file, title }) => `${file}: no "${title}"`)]).toEqual([]);
  });
});

describe("README.md", () => {
  it("holds the table of adapters as their capabilities make it; if not, run npm run adapters", async () => {
    expect(TABLE.exec(readFileSync(README, "utf8"))?.[0]).toBe(await adapterTable());
  });
});

describe("docs/guide", () => {
  const chapters = repositoryFiles().filter((path) => /^docs\/guide\/.*\.md$/.test(path));

  it("has every chapter in the readme's list", () => {
    const listed = linksOf("README.md").map(({ file }) => file);
    expect(chapters.filter((path) => !listed.includes(path))).toEqual([]);
  });

  it("shows below every program what it prints", () => {
    expect(chapters.flatMap(fences).filter(({ output }) => output === undefined)).toEqual([]);
  });
});

describe("the links in the documentation", () => {
  it("lead to files and headings that are there", () => {
    const links = repositoryFiles()
      .filter((path) => path.endsWith(".md"))
      .flatMap(linksOf);
    const dead = links.filter(({ file, heading }) => !existsSync(join(ROOT, file)) || (heading !== undefined && !headingsOf(file).includes(heading)));
    expect(dead).toEqual([]);
  });
});

interface Link {
  readonly from: string;
  /** From the root. */
  readonly file: string;
  readonly heading: string | undefined;
}

/** The links of a Markdown file to files and headings of the repository. */
function linksOf(from: string): Link[] {
  return all(/\]\(([^()\s]+)\)/g, proseOf(from))
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = "", heading] = target.split("#");
      return { from, file: file === "" ? from : normalize(join(dirname(from), file)), heading };
    });
}

/** As they stand in links. */
function headingsOf(file: string): string[] {
  return all(/^#+ +(.*)$/gm, proseOf(file)).map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** A Markdown file without its programs. */
function proseOf(file: string): string {
  return readFileSync(join(ROOT, file), "utf8").replace(/^```.*?^```$/gms, "");
}

/** The rows of the tables in a Markdown file, without their heads. */
function rowsOf(file: string): string[][] {
  if (!existsSync(join(ROOT, file))) return [];
  const lines = readFileSync(join(ROOT, file), "utf8").split("\n");
  const body = lines.filter((line, at) => line.startsWith("|") && !/^\|[ :|-]+$/.test(line) && !/^\|[ :|-]+$/.test(lines[at + 1] ?? ""));
  return body.map((line) =>
    line
      .slice(1, line.lastIndexOf("|"))
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  );
}

function inCode(cell = ""): string[] {
  return all(/`(\w+)`/g, cell);
}

/** A cell names tests as `` `path/to.test.ts`: title ``, one after `<br>` or several. */
function testsIn(cell = ""): { readonly file: string; readonly title: string }[] {
  return [...cell.matchAll(/`([^`]+\.ts)`: (.+?)(?=<br>|$)/g)].map(([, file = "", title = ""]) => ({ file, title: title.trim() }));
}

function holds(file: string, title: string): boolean {
  return existsSync(join(ROOT, file)) && readFileSync(join(ROOT, file), "utf8").includes(`"${title}"`);
}

function all(pattern: RegExp, text = ""): string[] {
  return [...text.matchAll(pattern)].map(([, found]) => found as string);
}
