/** `npm run adapters` writes the table of adapters into README.md, from the capabilities that the packages export. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Capabilities } from "millrace";
import { packages, ROOT } from "./workspace.ts";

export const README: string = join(ROOT, "README.md");

/** The table stands between these two comments. */
export const TABLE: RegExp = /(?<=<!-- adapters: written by npm run adapters -->\n).*?(?=<!-- \/adapters -->)/s;

const COLUMNS: ReadonlyArray<readonly [title: string, cell: (capabilities: Capabilities) => boolean | string]> = [
  ["durable", (c) => c.durable],
  ["replay", (c) => c.replay],
  ["groups", (c) => c.consumerGroups],
  ["order", (c) => ({ none: "none", "one-member": "with one member", "per-key": "per key" })[c.ordering]],
  ["keys", (c) => c.keys],
  ["delays held by the broker", (c) => c.nativeDelay],
  ["holds back what is published", (c) => heldBack(c.maxPublishDelayMs)],
  ["redelivers", (c) => c.redelivers],
  ["attempts survive a crash", (c) => c.attemptsSurviveCrash],
  ["publish in your transaction", (c) => c.transactionalPublish],
  ["drops duplicates", (c) => c.deduplicatesPublish],
  ["longest handling", (c) => (c.maxHandlingMs === Infinity ? "no limit" : `${c.maxHandlingMs / 1000} s`)],
  ["state", (c) => c.stability],
];

function heldBack(mostMs: number): string {
  if (mostMs === 0) return "–";
  return mostMs === Infinity ? "any time" : `${Math.floor(mostMs / 86_400_000)} days`;
}

export async function adapterTable(): Promise<string> {
  const rows: string[][] = [];
  for (const subpath of packages().flatMap(({ entries }) => [...entries.keys()])) {
    const exported = Object.entries((await import(subpath)) as Record<string, Capabilities>);
    for (const [name, capabilities] of exported.filter(([name]) => /(^c|C)apabilities$/.test(name))) {
      const cells = COLUMNS.map(([, cell]) => cell(capabilities)).map((cell) => (typeof cell === "string" ? cell : cell ? "✓" : "–"));
      rows.push([adapterName(name, subpath), `\`${subpath}\``, ...cells]);
    }
  }
  const titles = ["adapter", "import", ...COLUMNS.map(([title]) => title)];
  return [titles, titles.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

/** `persistentMemoryCapabilities` are those of "persistent memory"; a package with one adapter calls them `capabilities`. */
function adapterName(exportName: string, subpath: string): string {
  if (exportName === "capabilities") return subpath.replace(/^.*\//, "");
  return exportName.replace(/Capabilities$/, "").replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

if (import.meta.main) writeFileSync(README, readFileSync(README, "utf8").replace(TABLE, await adapterTable()));
