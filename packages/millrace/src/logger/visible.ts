/**
 * What moves a cursor, clears a screen, forges a line or turns the direction of a text: control characters, C1 and DEL among them, and
 * what Unicode has of the kind.
 */
const UNSEEN = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** The text with such characters as escapes: `"\u001b[2J"` is shown as the six characters `\u001b` and `[2J`. Line feeds too. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Several lines, each visible, and all but the first indented, so that none looks like a line of the log. */
export function visibleLines(text: string): string {
  return text.split("\n").map(visible).join("\n  ");
}
