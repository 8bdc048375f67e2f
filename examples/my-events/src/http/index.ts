/** JSON over HTTP on `node:http`: routes, bodies, problem documents, idempotency keys. */
export * from "./at.ts";
export * from "./checked.ts";
export * from "./idempotency.ts";
export * from "./json-body.ts";
export * from "./problem.ts";
export * from "./reply.ts";
export * from "./route.ts";
export * from "./serve.ts";
