import { PermanentError } from "../errors/index.ts";

type MaybePromise<T> = T | Promise<T>;

/** The part of the Standard Schema interface (version 1) that is used: zod, valibot, arktype and others satisfy it as they are. */
export interface StandardSchema<Input, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => MaybePromise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type SchemaResult<Output> = { readonly value: Output; readonly issues?: undefined } | { readonly issues: ReadonlyArray<SchemaIssue> };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
}

/** Validates at once; a schema that answers later is a `PermanentError` with code `ASYNC_SCHEMA`, whose text names what can wait for it. */
export function validate<Output>(schema: StandardSchema<unknown, Output>, value: unknown, subject: string, waiting: string): Output {
  const result = schema["~standard"].validate(value);
  if ("then" in result) {
    // One that rejects when nobody waits for it any more must not end the process.
    result.then(undefined, () => {});
    throw new PermanentError(`${subject}: the schema validates asynchronously, use ${waiting}`, { code: "ASYNC_SCHEMA" });
  }
  return accepted(result, subject);
}

export async function validateAsync<Output>(schema: StandardSchema<unknown, Output>, value: unknown, subject: string): Promise<Output> {
  return accepted(await schema["~standard"].validate(value), subject);
}

function accepted<Output>(result: SchemaResult<Output>, subject: string): Output {
  if (result.issues === undefined) return result.value;
  const problems = result.issues.map((issue) => `${pathText(issue.path)}: ${issue.message}`);
  throw new PermanentError(`${subject} is not valid: ${problems.join("; ")}`, { code: "INVALID_PAYLOAD", cause: result.issues });
}

function pathText(path: SchemaIssue["path"]): string {
  if (path === undefined || path.length === 0) return "(root)";
  return path.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
}
