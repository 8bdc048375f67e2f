import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Call, Figures } from "./case.ts";

const ENTRY = fileURLToPath(new URL("run-case.ts", import.meta.url));

/** Flags without which a child cannot find the packages' sources, or collect garbage when told to. */
export const CHILD_FLAGS: readonly string[] = ["--conditions=millrace:source", "--expose-gc", "--disable-warning=ExperimentalWarning"];

/** Runs a case in a fresh process, so that what the compiler learned in one is not the next one's luck or misfortune. */
export function inChild({ name, settings }: Call): Promise<Figures> {
  return new Promise((resolve, reject) => {
    const child = fork(ENTRY, [name, JSON.stringify(settings)], { execArgv: [...new Set([...process.execArgv, ...CHILD_FLAGS])] });
    let figures: Figures | undefined;
    child.on("message", (message) => {
      figures = message as Figures;
    });
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      if (code === 0 && figures !== undefined) resolve(figures);
      else
        reject(
          new Error(
            `the case ${name} ${JSON.stringify(settings)} ended with ${signal ?? `code ${code}`} and ${figures === undefined ? "no figures" : "figures"}`,
          ),
        );
    });
  });
}
