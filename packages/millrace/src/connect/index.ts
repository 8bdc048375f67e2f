export type { AdapterModule } from "./adapters.ts";
export { type ConnectOptions, connect } from "./connect.ts";
