/**
 * The name of every option of `Options`, no more and no fewer: a list that the compiler keeps in step with the type.
 *
 * ```ts
 * const NAMES: OptionNames<RetryOptions> = { maxRetries: true, minDelayMs: true };
 * ```
 */
export type OptionNames<Options> = { readonly [Name in keyof Options]-?: true };

/** Of `options` what is named, for an object that takes a part of them. */
export function pickOptions<Options extends object>(options: Options, names: OptionNames<Options>): Options {
  return Object.fromEntries(Object.entries(options).filter(([name]) => Object.hasOwn(names, name))) as Options;
}
