export { EXIT_CONFIG } from "./child.ts";
export * from "./supervise.ts";
