import { OptionCheck, type OptionNames } from "../options/index.ts";
import { shown } from "../options/shown.ts";
import type { NackOptions } from "./received-message.ts";

const NAMES: OptionNames<NackOptions> = { delayMs: true, reason: true, uncounted: true };

/** Throws `OptionError`, before anything is settled, for options of a nack that are not known or of the wrong type. */
export function checkNack(options: NackOptions | undefined): void {
  if (options === undefined) return;
  const check = new OptionCheck("message.nack").known(options, NAMES);
  const { delayMs, reason, uncounted } = options;
  check
    .duration("delayMs", delayMs)
    .that(reason === undefined || typeof reason === "string", `reason must be a text, got ${shown(reason)}`)
    .flag("uncounted", uncounted)
    .done();
}
