export { type AdapterModule, connect } from "./connect.ts";
