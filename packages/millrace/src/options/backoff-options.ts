import type { OptionCheck } from "./option-check.ts";
import type { OptionNames } from "./option-names.ts";

/** How long to wait between two tries: at first, and at most. */
export interface BackoffOptions {
  readonly minDelayMs?: number | undefined;
  readonly maxDelayMs?: number | undefined;
}

export const BACKOFF_NAMES: OptionNames<BackoffOptions> = { minDelayMs: true, maxDelayMs: true };

/** With defaults for what is left open; a default gives way to what was given, so that the first wait is never the longer one. */
export function knownBackoff(
  { minDelayMs, maxDelayMs }: BackoffOptions,
  defaults: { readonly minDelayMs: number; readonly maxDelayMs: number },
): { readonly minDelayMs: number; readonly maxDelayMs: number } {
  return {
    minDelayMs: minDelayMs ?? Math.min(defaults.minDelayMs, maxDelayMs ?? Infinity),
    maxDelayMs: maxDelayMs ?? Math.max(defaults.maxDelayMs, minDelayMs ?? 0),
  };
}

/** Adds to `check` what is wrong with the values of a backoff; `at` is the option that they stand in. */
export function checkBackoff(check: OptionCheck, { minDelayMs, maxDelayMs }: BackoffOptions = {}, at?: string): OptionCheck {
  const prefix = at === undefined ? "" : `${at}.`;
  return check
    .duration(`${prefix}minDelayMs`, minDelayMs)
    .duration(`${prefix}maxDelayMs`, maxDelayMs)
    .that(!(Number(minDelayMs) > Number(maxDelayMs)), `${prefix}minDelayMs must not be above maxDelayMs`);
}
