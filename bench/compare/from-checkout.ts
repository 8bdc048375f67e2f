/**
 * Loaded before a case: packages that our cases import, Millrace and the brokers' clients, come from the checkout that `MILLRACE_CHECKOUT` names,
 * as if the cases lay in it.
 */
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const OURS = new URL("..", import.meta.url).href;
const PACKAGE = /^(@[\w-]+\/)?\w[\w-]*(\/|$)/;
const parentURL = pathToFileURL(join(process.env.MILLRACE_CHECKOUT as string, "package.json")).href;

registerHooks({
  resolve: (specifier, context, next) => next(specifier, context.parentURL?.startsWith(OURS) && PACKAGE.test(specifier) ? { ...context, parentURL } : context),
});
