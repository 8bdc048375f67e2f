import { OptionError } from "millrace";

/** Throws `BAD_TOPIC` for names that AMQP cannot carry, or that the broker keeps for itself. */
export function checkTopic(subject: string, ...names: readonly string[]): void {
  const problems = names.flatMap((name) => {
    const shown = JSON.stringify(name.length > 32 ? `${name.slice(0, 32)}…` : name);
    if (Buffer.byteLength(name) > 255) return [`the name ${shown} is longer than 255 bytes`];
    // Of line breaks the broker makes names without; lone surrogates become one and the same character.
    if (/\p{Cc}/u.test(name) || !name.isWellFormed()) return [`the name ${shown} has a control character or a lone surrogate in it`];
    return [];
  });
  const [first = ""] = names;
  if (first.startsWith("amq.")) problems.push(`the name ${JSON.stringify(first.slice(0, 64))} begins with amq., which the broker keeps for itself`);
  if (problems.length > 0) throw new OptionError(subject, problems, { code: "BAD_TOPIC" });
}
