export { type AdapterModule, type ConnectOptions, connect } from "./connect.ts";
