import { nearestName } from "../options/nearest-name.ts";

/** Where the adapters of the schemes are that the packages of Millrace know. */
const PACKAGES: Readonly<Record<string, string>> = Object.freeze({
  kafka: "@millrace/kafka",
  amqp: "@millrace/rabbitmq",
  amqps: "@millrace/rabbitmq",
  sqlite: "@millrace/sql",
});

/** What people write for them. */
const OTHER_NAMES: Readonly<Record<string, string>> = Object.freeze({
  rabbitmq: "amqp",
  rabbit: "amqp",
  sqlite3: "sqlite",
  sql: "sqlite",
  inmemory: "memory",
  mem: "memory",
});

/** The package to install for a scheme; `undefined` where it is somebody else's. */
export function packageOf(scheme: string): string | undefined {
  return Object.hasOwn(PACKAGES, scheme) ? PACKAGES[scheme] : undefined;
}

/** What is wrong with a URL that no adapter is known for, and what to do. */
export function unknownScheme(scheme: string | undefined, known: readonly string[]): string {
  const list = `known are ${known.map((name) => `${name}:`).join(", ")}`;
  if (scheme === undefined) return `the URL has no scheme; ${list}`;
  const all = [...new Set([...known, ...Object.keys(PACKAGES)])];
  const meant = all.includes(scheme) ? scheme : Object.hasOwn(OTHER_NAMES, scheme) ? OTHER_NAMES[scheme] : nearestName(scheme, all);
  const hint = meant === undefined || meant === scheme ? "" : `, did you mean ${JSON.stringify(`${meant}:`)}?`;
  const toInstall = meant === undefined || known.includes(meant) ? undefined : packageOf(meant);
  const install = toInstall === undefined ? "" : `; give connect { ${meant}: () => import(${JSON.stringify(toInstall)}) }, and npm install ${toInstall}`;
  return `no adapter for the scheme ${JSON.stringify(`${scheme}:`)}${hint}; ${list}${install}`;
}
