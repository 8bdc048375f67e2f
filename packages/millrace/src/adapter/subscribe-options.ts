import type { From, SubscribeOptions } from "../message/index.ts";
import { OptionCheck, shown } from "../options/index.ts";

/** Checks what a user gave to `subscribe`; throws an `OptionError` that lists everything that is wrong. */
export function checkSubscribe(subject: string, topic: unknown, options: SubscribeOptions = {}): void {
  const check = new OptionCheck(`${subject}.subscribe`);
  check.that(typeof options === "object", `options must be an object, got ${shown(options)}`);
  check.required("topic", topic).text("topic", topic).text("group", options.group).integer("maxInFlight", options.maxInFlight, { min: 1 });
  checkOrderBy(check, options.orderBy);
  check.that(isFrom(options.from), 'from must be "earliest", "latest", { time: Date } or { position: string }');
  check.done();
}

export function checkOrderBy(check: OptionCheck, orderBy: unknown): void {
  check.that(orderBy === undefined || orderBy === "none" || typeof orderBy === "function", 'orderBy must be a function or "none"');
}

/** True for what `from` and `to` may be, and for nothing. */
export function isFrom(from: From | undefined): boolean {
  if (from === undefined || from === "earliest" || from === "latest") return true;
  if (typeof from !== "object" || from === null) return false;
  if ("time" in from) return from.time instanceof Date && !Number.isNaN(from.time.getTime());
  return typeof from.position === "string" && from.position.length > 0;
}
