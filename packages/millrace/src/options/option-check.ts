import { OptionError } from "../errors/index.ts";

/**
 * Collects everything that is wrong with a set of options, then throws one `OptionError` that lists it all.
 *
 * ```ts
 * new OptionCheck("KafkaPubSub").integer("prefetch", options.prefetch, { min: 1 }).required("url", options.url).done();
 * ```
 * An option that is `undefined` is fine everywhere but in `required`: its default applies.
 */
export class OptionCheck {
  readonly #subject: string;
  readonly #problems: Set<string> = new Set();

  constructor(subject: string) {
    this.#subject = subject;
  }

  integer(name: string, value: unknown, range: { readonly min?: number; readonly max?: number } = {}): this {
    if (value === undefined) return this;
    return this.that(Number.isInteger(value) && inRange(value as number, range), `${name} must be a whole number${rangeText(range)}, got ${shown(value)}`);
  }

  /** A finite number, or `Infinity` where `max` allows it. */
  number(name: string, value: unknown, range: { readonly min?: number; readonly max?: number } = {}): this {
    if (value === undefined) return this;
    const ok = typeof value === "number" && !Number.isNaN(value) && (Number.isFinite(value) || range.max === Infinity) && inRange(value, range);
    return this.that(ok, `${name} must be a number${rangeText(range)}, got ${shown(value)}`);
  }

  /** A duration in milliseconds, 0 or more. */
  duration(name: string, value: unknown, range: { readonly min?: number; readonly max?: number } = { min: 0 }): this {
    if (value === undefined) return this;
    const ok = typeof value === "number" && !Number.isNaN(value) && (Number.isFinite(value) || range.max === Infinity) && inRange(value, range);
    return this.that(ok, `${name} must be a duration in milliseconds${rangeText(range)}, got ${shown(value)}`);
  }

  text(name: string, value: unknown): this {
    if (value === undefined) return this;
    return this.that(typeof value === "string" && value.length > 0, `${name} must be a text that is not empty, got ${shown(value)}`);
  }

  flag(name: string, value: unknown): this {
    if (value === undefined) return this;
    return this.that(typeof value === "boolean", `${name} must be true or false, got ${shown(value)}`);
  }

  call(name: string, value: unknown): this {
    if (value === undefined) return this;
    return this.that(typeof value === "function", `${name} must be a function, got ${shown(value)}`);
  }

  oneOf(name: string, value: unknown, allowed: readonly unknown[]): this {
    if (value === undefined) return this;
    return this.that(allowed.includes(value), `${name} must be one of ${allowed.map(shown).join(", ")}, got ${shown(value)}`);
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
    if (!ok) this.#problems.add(problem);
    return this;
  }

  /** Throws `OptionError` when anything was wrong. */
  done(): void {
    if (this.#problems.size > 0) throw new OptionError(this.#subject, [...this.#problems]);
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

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}…` : value);
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object";
  return String(value);
}
