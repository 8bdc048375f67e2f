/**
 * `npm run api` writes docs/api.txt: the signature of every export of every package, as its declarations show it, sorted.
 * What an export's type does not name by itself is not in it; a change of anything in it is a change for somebody.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript-5";
import { build } from "./build.ts";
import { packages, ROOT } from "./workspace.ts";

export const API_FILE: string = join(ROOT, "docs/api.txt");

interface Entry {
  readonly subpath: string;
  /** What it exports, sorted by name. */
  readonly symbols: readonly ts.Symbol[];
}

/** Reads the built packages. */
export function readApi(): { readonly checker: ts.TypeChecker; readonly entries: readonly Entry[] } {
  const files = packages().flatMap(({ entries }) => [...entries]);
  const program = ts.createProgram(
    files.map(([, file]) => file),
    {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2024,
      types: ["node"],
      typeRoots: [join(ROOT, "node_modules/@types")],
    },
  );
  const checker = program.getTypeChecker();
  const entries = files.map(([subpath, file]) => {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    const symbols = module === undefined ? [] : checker.getExportsOfModule(module);
    return { subpath, symbols: symbols.toSorted((a, b) => (a.name < b.name ? -1 : 1)) };
  });
  return { checker, entries };
}

export function apiText(): string {
  const { checker, entries } = readApi();
  const printer = ts.createPrinter({ removeComments: true });
  const shownIn = new Map<ts.Symbol, string>();

  const signature = (symbol: ts.Symbol, subpath: string): string => {
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    const elsewhere = shownIn.get(target);
    if (elsewhere !== undefined) return `${symbol.name}: the same as in ${elsewhere}\n`;
    shownIn.set(target, subpath);
    const declarations = (target.declarations ?? []).map((declaration) => {
      const whole = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
      return publicPart(printer.printNode(ts.EmitHint.Unspecified, whole, whole.getSourceFile()));
    });
    return `${declarations.join("\n")}\n`;
  };

  return entries.map(({ subpath, symbols }) => `=== ${subpath} ===\n\n${symbols.map((symbol) => signature(symbol, subpath)).join("\n")}`).join("\n");
}

function publicPart(declaration: string): string {
  return declaration
    .split("\n")
    .filter((line) => !/^ +(#private;|private )/.test(line))
    .join("\n")
    .replace(/^export (declare )?/, "");
}

if (import.meta.main) {
  process.stdout.write(build());
  writeFileSync(API_FILE, apiText());
}
