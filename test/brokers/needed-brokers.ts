import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { BROKER_NAMES, type BrokerName } from "../../scripts/brokers/broker.ts";

const IMPORTED = /\b(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"\n]+\.ts)"/g;

export interface NeededBrokers {
  /** To be started before the tests. */
  readonly shared: readonly BrokerName[];
  /** Whether there is any broker at all, be it one of a test's own. */
  readonly any: boolean;
}

/** The brokers that test files ask for: those named in a file that calls `sharedBroker`, be it the test itself or one that it imports. */
export function neededBrokers(files: readonly string[]): NeededBrokers {
  const shared = new Set<BrokerName>();
  let any = false;
  const seen = new Set<string>();
  const waiting = [...files];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (seen.has(file) || !existsSync(file)) continue;
    seen.add(file);
    const code = readFileSync(file, "utf8");
    any ||= /\b(sharedBroker|ownBroker)\(|inject\("brokers"\)/.test(code);
    if (/\bsharedBroker\(/.test(code)) for (const name of BROKER_NAMES) if (code.includes(`"${name}"`)) shared.add(name);
    for (const [, path = ""] of code.matchAll(IMPORTED)) waiting.push(resolve(dirname(file), path));
  }
  return { shared: BROKER_NAMES.filter((name) => shared.has(name)), any };
}
