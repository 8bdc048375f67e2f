import { OptionError } from "../errors/index.ts";
import type { Logger } from "../logger/index.ts";
import { isPromise, type PubSub } from "../message/index.ts";
import { OptionCheck, shown } from "../options/index.ts";
import { packageOf } from "./schemes.ts";

/** What a broker package exports for `connect`. */
export interface AdapterModule {
  fromUrl(url: string, options?: { readonly logger?: Logger | undefined }): PubSub;
}

export type Adapters = Readonly<Record<string, () => Promise<AdapterModule>>>;

/** Throws `OptionError` for what is no list of functions that import adapters, and says how to write it; `options` are the names of those of `connect`. */
export function checkAdapters(adapters: unknown, options: readonly string[]): void {
  const check = new OptionCheck("connect");
  if (typeof adapters !== "object" || adapters === null || Array.isArray(adapters) || isPromise(adapters)) {
    quiet(adapters);
    const got = isPromise(adapters) ? "a promise" : shown(adapters);
    check.that(false, `adapters must be an object with a function for each scheme, ${example("kafka")}, got ${got}`).done();
    return;
  }
  for (const [name, load] of Object.entries(adapters)) {
    quiet(load);
    if (typeof load === "function") continue;
    if (options.includes(name)) check.that(false, `${name} is an option: options are the third argument of connect, behind the adapters`);
    else if (isPromise(load)) check.that(false, `adapters.${name} is a promise, as of an import without its arrow: write ${example(name)}`);
    else check.that(false, `adapters.${name} must be a function that imports the adapter, ${example(name)}, got ${shown(load)}`);
  }
  check.done();
}

/** The adapter for a scheme. What its import rejects with is passed on; a package that is not there is told with how to install it. */
export async function loadAdapter(scheme: string, load: () => Promise<AdapterModule>): Promise<AdapterModule> {
  let module: AdapterModule | undefined;
  try {
    module = await load();
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const text = `the adapter for ${JSON.stringify(`${scheme}:`)} could not be imported: ${error.message}`;
    throw new OptionError("connect", [`${text}; is it installed? npm install ${packageOf(scheme) ?? "<its package>"}`], { cause: error });
  }
  if (typeof module?.fromUrl === "function") return module;
  const why =
    module === undefined
      ? "gave nothing: an arrow function with braces needs a return"
      : "gave no module with a function fromUrl: it has to import the package of an adapter";
  throw new OptionError("connect", [`adapters.${scheme} ${why}; write ${example(scheme)}`]);
}

function example(scheme: string): string {
  const name = /^[a-z]\w*$/i.test(scheme) ? scheme : JSON.stringify(scheme);
  return `{ ${name}: () => import(${JSON.stringify(packageOf(scheme) ?? "…")}) }`;
}

function isNotFound(error: unknown): error is Error {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return error instanceof Error && (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND");
}

/** A promise in the place of a function may reject as well, and nobody would listen. */
function quiet(value: unknown): void {
  if (isPromise(value)) value.then(undefined, () => {});
}
