import type { From } from "../message/index.ts";
import { OptionCheck } from "../options/index.ts";
import { isFrom } from "./subscribe-options.ts";

/** The arguments of a question to a `BrokerAdmin`; `to` only where it moves a group. */
export interface AdminQuestion {
  readonly topic: unknown;
  readonly group?: unknown;
  readonly to?: From | undefined;
}

/** Checks what a user gave to a question; those that are named must be there. Throws an `OptionError` that lists everything that is wrong. */
export function checkQuestion(subject: string, question: AdminQuestion): void {
  const check = new OptionCheck(subject).required("topic", question.topic).text("topic", question.topic);
  if ("group" in question) check.required("group", question.group).text("group", question.group);
  if ("to" in question) {
    check.required("to", question.to).that(isFrom(question.to), 'to must be "earliest", "latest", { time: Date } or { position: string }');
  }
  check.done();
}
