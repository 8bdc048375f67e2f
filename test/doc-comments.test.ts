import { describe, expect, it } from "vitest";
import { readApi } from "../scripts/api.ts";
import { type Program, Programs } from "./programs.ts";
import { packageSources } from "./sources.ts";

/** What an example in a comment may speak of without making it first. */
const AT_HAND: Readonly<Record<string, string>> = {
  bus: 'import("millrace").PubSub',
  broker: 'import("millrace").PubSub',
  outbox: 'import("millrace").PubSub',
  pubsub: 'import("@millrace/sql").SqlPubSub',
  publisher: 'import("millrace").Publisher',
  subscriber: 'import("millrace").Subscriber',
  subscription: 'import("millrace").Subscription',
  router: 'import("millrace").Router',
  message: 'import("millrace").ReceivedMessage',
  handler: 'import("millrace").Handler',
  logger: 'import("millrace").Logger',
  database: 'import("node:sqlite").DatabaseSync',
  OrderSchema: 'import("millrace").StandardSchema<{ readonly id: string }>',
};

/** What no subpath exports is for us alone, and so are its examples. */
const INTERNAL = /^packages\/millrace\/src\/(internal|options)\//;

describe("the ts examples in the comments of the packages", () => {
  it("check, with what they use of the packages imported", () => {
    const programs = new Programs(examples());
    try {
      expect(programs.complaints()).toEqual([]);
    } finally {
      programs.remove();
    }
  });
});

function examples(): Program[] {
  const names = exportedNames();
  return packageSources()
    .filter(({ path }) => !INTERNAL.test(path))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/^ *\* ```ts\n(.*?)^ *\* ```$/gms)].map((match) => {
        const code = (match[1] as string).replace(/^ *\* ?/gm, "");
        return { place: `${path}:${text.slice(0, match.index).split("\n").length}`, code: `${before(code, names(path))}\n${code}` };
      }),
    );
}

/** For a file, the subpath that exports each name: its own package's before another's, else the first one where there are several. */
function exportedNames(): (path: string) => ReadonlyMap<string, string> {
  const all = readApi()
    .entries.flatMap(({ subpath, symbols }) => symbols.map(({ name }) => [name, subpath] as const))
    .reverse();
  return (path) => {
    const own = path.split("/")[1] ?? "";
    return new Map([...all, ...all.filter(([, subpath]) => subpath.split("/").includes(own))]);
  };
}

/** Imports and declares what the code uses and does not make. */
function before(code: string, exported: ReadonlyMap<string, string>): string {
  const making = [/\b(?:const|let|function|class|interface|type|import\s+\*\s+as)\s+(\w+)/g, /^import\s+(?:type )?\{([^}]*)\}/gm];
  const made = new Set(making.flatMap((pattern) => [...code.matchAll(pattern)]).flatMap(([, names = ""]) => names.match(/\w+/g) ?? []));
  const used = new Set(code.match(/(?<![.\w])[A-Za-z_]\w*/g));
  const lines = [...used]
    .filter((name) => !made.has(name))
    .map((name) => {
      if (exported.has(name)) return `import { ${name} } from "${exported.get(name)}";`;
      return Object.hasOwn(AT_HAND, name) ? `declare const ${name}: ${AT_HAND[name]};` : "";
    });
  return lines.join("");
}
