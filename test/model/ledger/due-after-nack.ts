import type { NackOptions } from "millrace";
import { longestDelayMs } from "../plan/program.ts";
import type { Failure } from "./failure-of.ts";
import type { GroupBook } from "./group-book.ts";
import type { Handling } from "./records.ts";

/** When a message has to come again that its own handler nacked. */
export function dueAfterNack({ ledger, plan }: GroupBook, { attempt }: Handling, options: NackOptions = {}): Pick<Failure, "dueAt" | "dueBy"> {
  const { attempts = 3, minDelayMs = 10, deadLetter } = plan;
  const { delayMs, uncounted } = options;
  const maxDelayMs = longestDelayMs(plan);
  const spent = uncounted !== true && attempt >= attempts;
  if (spent && deadLetter) return { dueAt: 0, dueBy: Infinity };
  const asked = plan.middleware?.find((layer) => layer.use === "delayOnError");
  const between = (least: number, most: number): Pick<Failure, "dueAt" | "dueBy"> => ({
    dueAt: ledger.now + (asked === undefined ? least : Math.min(least, asked.minDelayMs ?? 50)),
    dueBy: asked === undefined ? ledger.now + most : Infinity,
  });
  if (spent) return between(Math.max(delayMs ?? 0, maxDelayMs), Math.max(delayMs ?? 0, maxDelayMs));
  if (delayMs !== undefined) return { dueAt: ledger.now + delayMs, dueBy: ledger.now + delayMs };
  const ceiling = Math.min(maxDelayMs, minDelayMs * 2 ** (attempt - 1));
  return between(ceiling / 2, ceiling); // the model's `Math.random` never goes below a half
}
