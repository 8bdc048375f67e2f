import { RULES, type Rule } from "../ledger/violation.ts";
import { PLACES, type Place } from "../plan/program.ts";

/** `memory` means both of its kinds. Ends the process with what there is when it is none. */
export function placesOf(on: string | undefined): readonly Place[] {
  if (on === undefined) return PLACES;
  if (on === "memory") return ["memory", "persistent"];
  const found = PLACES.filter((place) => place === on);
  return found.length > 0 ? found : refuse(`There is no "${on}": there are memory, sqlite and lossy.`);
}

export function rulesOf(text: string | undefined): readonly Rule[] {
  if (text === undefined) return RULES;
  const names = text.split(",");
  const rules = RULES.filter((rule) => names.includes(rule));
  return rules.length === names.length ? rules : refuse(`A rule of "${text}" is not known: there are ${RULES.join(", ")}.`);
}

function refuse(text: string): never {
  console.error(text);
  process.exit(1);
}
