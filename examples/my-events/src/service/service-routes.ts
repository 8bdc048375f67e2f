import type { ServiceName } from "../contracts/index.ts";
import { json, type Route } from "../http/index.ts";
import type { HandlerReport } from "./broker-link.ts";

/** What the service says of itself. */
export function serviceRoutes(service: ServiceName, link: { readonly linked: boolean; handlers(): readonly HandlerReport[] }): Route[] {
  return [
    // "degraded" still answers every request; only what it hears and tells waits.
    { method: "GET", path: "/health", respond: () => json(200, { status: link.linked ? "ok" : "degraded", service, pid: process.pid }) },
    { method: "GET", path: "/handlers", respond: () => json(200, link.handlers()) },
  ];
}
