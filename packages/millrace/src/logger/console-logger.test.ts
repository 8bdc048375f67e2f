import { afterEach, expect, it, vi } from "vitest";
import { consoleLogger } from "./index.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** What an entry writes. */
function written(write: (logger: ReturnType<typeof consoleLogger>) => void): string {
  const lines: string[] = [];
  vi.spyOn(console, "error").mockImplementation((line: string) => void lines.push(line));
  write(consoleLogger({ level: "trace" }));
  return lines.join("\n");
}

const CONTROLS = [...Array.from({ length: 0x20 }, (_, code) => code), ...Array.from({ length: 0x21 }, (_, index) => 0x7f + index), 0x2028, 0x202e, 0x2066];

it("shows control characters as escapes in the text, the fields and the stack of an error", () => {
  for (const code of CONTROLS) {
    const character = String.fromCharCode(code);
    const escaped = `\\u${code.toString(16).padStart(4, "0")}`;
    const error = new Error(`payload ${character}[2J`);
    const shown = written((logger) => logger.error({ topic: `a${character}b`, error }, `text ${character}[2J`));
    expect(shown.replaceAll("\n", "")).not.toContain(character === "\n" ? "\r" : character);
    expect(shown).toContain(`text ${escaped}[2J`);
    if (character !== "\n") expect(shown).toContain(`payload ${escaped}[2J`);
  }
});

it("lets no line begin with what a message says", () => {
  const forged = "2026-01-01T00:00:00.000Z ERROR forged";
  const shown = written((logger) => logger.error({ id: `x\n${forged}`, error: new Error(`bad\n${forged}\r${forged}`) }, `text\n${forged}`));
  const lines = shown.split("\n");
  expect(lines[0]).toMatch(/^\d{4}.* ERROR text\\u000a/);
  for (const line of lines.slice(1)) expect(line).toMatch(/^ {2}/);
  expect(shown).not.toContain("\r");
});
