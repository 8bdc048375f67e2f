import { STATUS_CODES } from "node:http";

export type ProblemCode =
  | "malformed"
  | "not_found"
  | "method_not_allowed"
  | "sold_out"
  | "in_use"
  | "too_large"
  | "unsupported_media_type"
  | "invalid"
  | "idempotency_mismatch"
  | "unavailable"
  | "internal";

const STATUS: Readonly<Record<ProblemCode, number>> = {
  malformed: 400,
  not_found: 404,
  method_not_allowed: 405,
  sold_out: 409,
  in_use: 409,
  too_large: 413,
  unsupported_media_type: 415,
  invalid: 422,
  idempotency_mismatch: 422,
  unavailable: 503,
  internal: 500,
};

export interface FieldError {
  /** JSON Pointer (RFC 6901) to the bad field; "" is the whole body. */
  readonly pointer: string;
  readonly detail: string;
}

/** An answer that is not a success, as a problem document (RFC 9457) with a stable `code`. */
export class Problem extends Error {
  override readonly name: string = "Problem";
  readonly code: ProblemCode;
  readonly status: number;
  readonly errors: readonly FieldError[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ProblemCode, detail: string, more: { readonly errors?: readonly FieldError[]; readonly headers?: Readonly<Record<string, string>> } = {}) {
    super(detail);
    this.code = code;
    this.status = STATUS[code];
    this.errors = more.errors;
    this.headers = more.headers ?? {};
  }

  document(): Record<string, unknown> {
    return {
      type: "about:blank",
      title: STATUS_CODES[this.status],
      status: this.status,
      code: this.code,
      detail: this.message,
      ...(this.errors === undefined ? {} : { errors: this.errors }),
    };
  }
}

export function notFound(what: string): Problem {
  return new Problem("not_found", `there is no such ${what}`);
}
