/** Loaded before a case: whatever imports Millrace gets it from the checkout that `MILLRACE_CHECKOUT` names, wherever the importing file lies. */
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const MILLRACE = /^(@millrace\/|millrace(\/|$))/;
const parentURL = pathToFileURL(join(process.env.MILLRACE_CHECKOUT as string, "package.json")).href;

registerHooks({
  resolve: (specifier, context, next) => next(specifier, MILLRACE.test(specifier) ? { ...context, parentURL } : context),
});
