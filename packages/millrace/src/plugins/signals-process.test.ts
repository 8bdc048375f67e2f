import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

interface Child {
  readonly child: ChildProcess;
  /** Everything it has written to standard output. */
  readonly output: () => string;
  /** Resolves when the output has the text. */
  readonly wrote: (text: string) => Promise<void>;
  /** Exit code and signal. */
  readonly exit: Promise<readonly [number | null, NodeJS.Signals | null]>;
}

function startChild(handlingMs: number): Child {
  const fixture = fileURLToPath(new URL("./signals.fixture.ts", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=millrace:source", fixture, String(handlingMs)], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  const waiting = new Set<() => void>();
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    for (const look of waiting) look();
  });
  const exit = new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve) => child.on("close", (code, signal) => resolve([code, signal])));
  const wrote = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!output.includes(text)) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
      void exit.then(() => reject(new Error(`the child ended without writing ${text}: ${output}`)));
    });
  return { child, output: () => output, wrote, exit };
}

describe("signals in a process of its own", () => {
  it("lets the handler end after SIGTERM, then the process ends by itself", async () => {
    const { child, output, wrote, exit } = startChild(200);
    await wrote("handling");
    child.kill("SIGTERM");
    expect(await exit).toEqual([0, null]);
    expect(output()).toBe("handling\nhandled\nclosed\n");
  });

  it("ends the process at once with code 1 at a second signal", async () => {
    const { child, output, wrote, exit } = startChild(60_000);
    await wrote("handling");
    child.kill("SIGTERM");
    child.kill("SIGINT");
    expect(await exit).toEqual([1, null]);
    expect(output()).toBe("handling\n");
  });
});
