const KEY = Symbol.for("millrace.missingBrokers");

/**
 * A line for each broker that tests of this process asked for in vain. The set-up, which fills it, is loaded by the test runner, and
 * the command, which prints it, by Node: two copies of this module, one list.
 */
export function missingBrokers(): string[] {
  const holder = globalThis as { [KEY]?: string[] };
  holder[KEY] ??= [];
  return holder[KEY];
}
