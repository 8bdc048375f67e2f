/**
 * `npm run api` writes docs/api.txt: the signature of every export of every package, as its declarations show it, sorted.
 * What exports speak of and no subpath exports by name, a base class or the interface behind a type, stands below the first of them.
 * A change of anything in it is a change for somebody.
 */
import { writeFileSync } from "node:fs";
import { join, sep } from "node:path";
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
  const exported = new Set(entries.flatMap(({ symbols }) => symbols.map((symbol) => target(symbol, checker))));
  const shownIn = new Map<ts.Symbol, string>();

  const text = (declaration: ts.Declaration): string => {
    const whole = wholeOf(declaration);
    return publicPart(printer.printNode(ts.EmitHint.Unspecified, whole, whole.getSourceFile()));
  };
  /** A symbol, and below it all that it speaks of, that no subpath exports, and that was not shown yet. */
  const shown = (symbol: ts.Symbol, subpath: string): readonly string[] => {
    shownIn.set(symbol, subpath);
    const declarations = symbol.declarations ?? [];
    const hidden = [...new Set(declarations.flatMap((declaration) => spokenOf(wholeOf(declaration), checker)))].filter((other) => !exported.has(other));
    return [...declarations.map(text), ...hidden.flatMap((other) => (shownIn.has(other) ? [] : shown(other, subpath)))];
  };
  const signature = (symbol: ts.Symbol, subpath: string): string => {
    const elsewhere = shownIn.get(target(symbol, checker));
    if (elsewhere !== undefined) return `${symbol.name}: the same as in ${elsewhere}\n`;
    return `${shown(target(symbol, checker), subpath).join("\n")}\n`;
  };

  return entries.map(({ subpath, symbols }) => `=== ${subpath} ===\n\n${symbols.map((symbol) => signature(symbol, subpath)).join("\n")}`).join("\n");
}

function target(symbol: ts.Symbol, checker: ts.TypeChecker): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

function wholeOf(declaration: ts.Declaration): ts.Node {
  return ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
}

/** What of the packages a declaration names, in order. */
function spokenOf(declaration: ts.Node, checker: ts.TypeChecker): ts.Symbol[] {
  const found: ts.Symbol[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isHeritageClause(node) && node.token === ts.SyntaxKind.ImplementsKeyword) return; // the class has all its members
    const symbol = ts.isIdentifier(node) ? checker.getSymbolAtLocation(node) : undefined;
    if (symbol !== undefined && isOfThePackages(target(symbol, checker))) found.push(target(symbol, checker));
    ts.forEachChild(node, visit);
  };
  visit(declaration);
  return found;
}

/** Declared at the top of one of their files: no member, no parameter. */
function isOfThePackages(symbol: ts.Symbol): boolean {
  const [declaration] = symbol.declarations ?? [];
  if (declaration === undefined || !ts.isSourceFile(wholeOf(declaration).parent)) return false;
  return declaration.getSourceFile().fileName.startsWith(join(ROOT, "packages").split(sep).join("/"));
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
