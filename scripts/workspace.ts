import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the repository. */
export const ROOT: string = fileURLToPath(new URL("..", import.meta.url));

export interface WorkspacePackage {
  /** As in an import: `@millrace/sql`. */
  readonly name: string;
  /** Under `packages`: `sql`. */
  readonly folder: string;
  readonly path: string;
  /** Subpaths by their import name, with the declarations each one shows once it is built. */
  readonly entries: ReadonlyMap<string, string>;
}

/** The packages that are published, by name. */
export function packages(): readonly WorkspacePackage[] {
  return readdirSync(join(ROOT, "packages"))
    .sort()
    .map((folder) => {
      const path = join(ROOT, "packages", folder);
      const { name, exports } = JSON.parse(readFileSync(join(path, "package.json"), "utf8")) as {
        name: string;
        exports: Record<string, string | { readonly types: string }>;
      };
      const entries = Object.entries(exports).flatMap(([subpath, target]) =>
        typeof target === "string" ? [] : [[name + subpath.slice(1), join(path, target.types)] as const],
      );
      return { name, folder, path, entries: new Map(entries) };
    });
}
