import { OptionError } from "../errors/index.ts";
import { nearestName } from "./nearest-name.ts";
import type { OptionNames } from "./option-names.ts";
import { shown } from "./shown.ts";

/**
 * Collects everything that is wrong with a set of options, then throws one `OptionError` that lists it all.
 *
 * ```ts
 * new OptionCheck("KafkaPubSub").known(options, NAMES).integer("prefetch", options.prefetch, { min: 1 }).required("url", options.url).done();
 * ```
 * An option that is `undefined` is fine everywhere but in `required`: its default applies.
 */
export class OptionCheck {
  readonly #subject: string;
  readonly #problems: string[] = [];

  constructor(subject: string) {
    this.#subject = subject;
  }

  /**
   * An object with no other options than those named: another one is a problem that tells the nearest known name. Call it first: what
   * is no object at all is thrown at once, since nothing further can be said of it.
   *
   * With `at`, for options inside of an option: `undefined` is fine there, and problems name `at.option`.
   */
  known<Options extends object>(options: Options | undefined, names: OptionNames<NoInfer<Options>>, at?: string): this {
    if (options === undefined && at !== undefined) return this;
    if (typeof options !== "object" || options === null || Array.isArray(options)) {
      this.that(false, `${at ?? "options"} must be an object, got ${shown(options)}`);
      if (at === undefined) this.done();
      return this;
    }
    for (const name of Object.keys(options)) {
      if (Object.hasOwn(names, name)) continue;
      const nearest = nearestName(name, Object.keys(names));
      const prefix = at === undefined ? "" : `${at}.`;
      const hint = nearest === undefined ? `; known are ${Object.keys(names).join(", ")}` : `, did you mean ${prefix}${nearest}?`;
      this.that(false, `unknown option ${prefix}${name}${hint}`);
    }
    return this;
  }

  integer(name: string, value: unknown, range: { readonly min?: number; readonly max?: number } = {}): this {
    return this.#must(name, value, Number.isInteger(value) && inRange(value as number, range), `a whole number${rangeText(range)}`);
  }

  /** A finite number, or `Infinity` where `max` allows it. */
  number(name: string, value: unknown, range: { readonly min?: number; readonly max?: number } = {}): this {
    return this.#number(name, value, range, "a number");
  }

  /** A duration in milliseconds, 0 or more. */
  duration(name: string, value: unknown, range: { readonly min?: number; readonly max?: number } = { min: 0 }): this {
    return this.#number(name, value, range, "a duration in milliseconds");
  }

  /** A text that is not empty, and that no way through bytes makes another. */
  text(name: string, value: unknown): this {
    if (typeof value === "string" && !value.isWellFormed())
      return this.that(false, `${name} must be whole characters, and has a lone surrogate: ${shown(value)}`);
    return this.#must(name, value, typeof value === "string" && value.length > 0, "a text that is not empty");
  }

  flag(name: string, value: unknown): this {
    return this.#must(name, value, typeof value === "boolean", "true or false");
  }

  call(name: string, value: unknown): this {
    return this.#must(name, value, typeof value === "function", "a function");
  }

  oneOf(name: string, value: unknown, allowed: readonly unknown[]): this {
    return this.#must(name, value, allowed.includes(value), `one of ${allowed.map(shown).join(", ")}`);
  }

  required(name: string, value: unknown): this {
    return this.that(value !== undefined && value !== null, `${name} is missing`);
  }

  /** An object with the given methods: a publisher, a subscriber, a logger. */
  methods(name: string, value: unknown, methods: readonly string[]): this {
    if (value === undefined) return this;
    const missing =
      typeof value === "object" && value !== null ? methods.filter((method) => typeof (value as Record<string, unknown>)[method] !== "function") : methods;
    return this.that(missing.length === 0, `${name} must have the method${missing.length > 1 ? "s" : ""} ${missing.join(", ")}, got ${shown(value)}`);
  }

  that(ok: boolean, problem: string): this {
    if (!ok && !this.#problems.includes(problem)) this.#problems.push(problem);
    return this;
  }

  /** Throws `OptionError` when anything was wrong. */
  done(): void {
    if (this.#problems.length > 0) throw new OptionError(this.#subject, this.#problems);
  }

  #number(name: string, value: unknown, range: { readonly min?: number; readonly max?: number }, kind: string): this {
    const ok = typeof value === "number" && !Number.isNaN(value) && (Number.isFinite(value) || range.max === Infinity) && inRange(value, range);
    return this.#must(name, value, ok, kind + rangeText(range));
  }

  #must(name: string, value: unknown, ok: boolean, wish: string): this {
    return this.that(value === undefined || ok, `${name} must be ${wish}, got ${shown(value)}`);
  }
}

function inRange(value: number, range: { readonly min?: number; readonly max?: number }): boolean {
  return value >= (range.min ?? -Infinity) && value <= (range.max ?? Infinity);
}

function rangeText(range: { readonly min?: number; readonly max?: number }): string {
  const { min, max } = range;
  if (min !== undefined && max !== undefined && max !== Infinity) return ` from ${min} to ${max}`;
  if (min !== undefined) return ` of at least ${min}`;
  return max !== undefined && max !== Infinity ? ` of at most ${max}` : "";
}
