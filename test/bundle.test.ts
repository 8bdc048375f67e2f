import { relative } from "node:path";
import { gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";
import { describe, expect, it } from "vitest";
import { ROOT } from "../scripts/workspace.ts";
import { firstProgram } from "./fences.ts";

/** The goal is 25 kB; this bound keeps what is from growing until it is reached. */
const LIMIT_BYTES = 136_500;

describe("a bundle of the readme's first program", () => {
  it(`is under ${LIMIT_BYTES / 1000} kB minified and holds no middleware it does not use`, async () => {
    const { outputFiles, metafile } = await build({
      splitting: true,
      outdir: "bundle",
      stdin: { contents: firstProgram().code, loader: "ts", resolveDir: ROOT },
      absWorkingDir: ROOT,
      bundle: true,
      minify: true,
      format: "esm",
      platform: "neutral",
      target: "es2024",
      write: false,
      metafile: true,
    });
    const loaded = loadedAtOnce(metafile.outputs, "bundle/stdin.js");
    const bundle = Buffer.concat(outputFiles.filter(({ path }) => loaded.has(relative(ROOT, path).replaceAll("\\", "/"))).map(({ contents }) => contents));
    console.log(`bundle of the readme's first program: ${bundle.byteLength} bytes minified (limit ${LIMIT_BYTES}), ${gzipSync(bundle).byteLength} compressed`);
    expect(bundle.byteLength).toBeLessThan(LIMIT_BYTES);

    const held = [...loaded].flatMap((name) => Object.entries(metafile.outputs[name]?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0));
    expect(held.map(([file]) => file)).toEqual(expect.arrayContaining([expect.stringContaining("packages/millrace/dist/router/")]));
    expect(held.map(([file]) => file).filter((file) => file.includes("/middleware/"))).toEqual([]);
  });
});

/** The program's file and what it imports; not what is fetched later, if ever. */
function loadedAtOnce(outputs: Metafile["outputs"], entry: string): Set<string> {
  const loaded = new Set([entry]);
  for (const name of loaded) for (const { path, kind } of outputs[name]?.imports ?? []) if (kind === "import-statement") loaded.add(path);
  return loaded;
}
