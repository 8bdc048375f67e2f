import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../scripts/workspace.ts";
import type { Program } from "./programs.ts";

export interface Fence extends Program {
  /** The heading above it. */
  readonly heading: string;
  /** What stands in the `text` fence right below it: what the program prints. */
  readonly output: string | undefined;
}

/** The `ts` code fences of a Markdown file, in order. */
export function fences(file: string): readonly Fence[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  const headings = [...text.matchAll(/^#+ +(.*)$/gm)];
  return [...text.matchAll(/^```ts\n(.*?)^```$(?:\n+(?:[^\n`#]+\n+)?^```text\n(.*?)^```$)?/gms)].map((match) => ({
    place: `${file}:${text.slice(0, match.index).split("\n").length}`,
    heading: headings.filter(({ index }) => index < match.index).at(-1)?.[1] ?? "",
    code: match[1] as string,
    output: match[2],
  }));
}

/** The first program a reader of README.md meets, and what it prints. */
export function firstProgram(): Fence & { readonly output: string } {
  const fence = existsSync(join(ROOT, "README.md")) ? fences("README.md").find(({ heading }) => heading === "First message") : undefined;
  if (fence?.output === undefined)
    throw new Error('README.md needs a heading "First message" with a ts fence below it, and below that a text fence of its output');
  return { ...fence, output: fence.output };
}

/** The first program of a broker package's readme, sent to the broker at `url`, and what it prints: the comment behind its `console.log`. */
export function firstMessageOn(folder: string, url: string): { readonly code: string; readonly output: string } {
  const file = `packages/${folder}/README.md`;
  const code = fences(file).find(({ heading }) => heading === "First message")?.code ?? "";
  const address = /"(?:amqp|kafka):\/\/[^"]*"/;
  const output = /console\.log\(.*\); \/\/ (.*)$/m.exec(code)?.[1];
  if (!address.test(code) || output === undefined) {
    throw new Error(`${file} needs a "First message" with the broker's URL in it, and what it prints as a comment behind console.log`);
  }
  return { code: code.replace(address, JSON.stringify(url)), output };
}
