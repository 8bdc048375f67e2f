/** A status whose last error stays readable in JSON, as `{ name, message, code }`: of an `Error` itself JSON keeps hardly anything. */
export function statusWithJson<Status extends { readonly lastError?: Error | undefined }>(status: Status): Status {
  const { lastError } = status;
  if (lastError === undefined) return status;
  return Object.defineProperty(status, "toJSON", { value: (): object => ({ ...status, lastError: errorJson(lastError) }) });
}

function errorJson(error: Error): object {
  const { name, message, code } = error as Error & { readonly code?: unknown };
  return { name, message, code: typeof code === "string" || typeof code === "number" ? code : undefined };
}
