import { heard } from "../internal/heard.ts";
import { guarded } from "../logger/guarded-logger.ts";
import type { Logger } from "../logger/index.ts";

/**
 * What a function of the user's answers; when it throws, `fallback`, and one line in the log: a hook never stops a message. The name says
 * which function it was. Without a logger the line goes to standard error.
 */
export function askHook<T>(hook: () => T, fallback: T, name: string, logger: Logger | undefined): T {
  const complain = (error: unknown): void => {
    guarded(logger).warn({ err: error, hook: name }, `${name} threw, the message goes on without its answer`);
  };
  try {
    const answer = hook();
    heard(answer, complain);
    return answer;
  } catch (error) {
    complain(error);
    return fallback;
  }
}
