import type { z } from "zod";
import { type FieldError, Problem } from "./problem.ts";

/** What a schema makes of a body: the value, or the problem to answer with. Unknown fields are dropped. */
export type Checked<T> = { readonly value: T; readonly problem?: undefined } | { readonly problem: Problem };

export function check<T>(schema: z.ZodType<T>, body: unknown): Checked<T> {
  const result = schema.safeParse(body);
  if (result.success) return { value: result.data };
  const errors: FieldError[] = result.error.issues.map((issue) => ({ pointer: pointerTo(issue.path), detail: issue.message }));
  return { problem: invalid(errors) };
}

export function invalid(errors: readonly FieldError[]): Problem {
  return new Problem("invalid", errors.map(({ pointer, detail }) => `${pointer === "" ? "the body" : pointer}: ${detail}`).join("; "), { errors });
}

export function accepted<T>(checked: Checked<T>): T {
  if (checked.problem !== undefined) throw checked.problem;
  return checked.value;
}

function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
