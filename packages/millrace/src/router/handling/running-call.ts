import type { Logger } from "../../logger/index.ts";

/** Handlers that run at this very moment, up to their first `await`. */
let depth = 0;

export function enterHandler(): void {
  depth++;
}

export function leaveHandler(): void {
  depth--;
}

/** Whoever asks from inside a handler cannot be made to wait for the handler's own end. */
export function answerFromInside(ending: Promise<void>, logger: Logger): Promise<void> {
  if (depth === 0) return ending;
  ending.catch((error: unknown) => logger.error({ error }, "closing failed"));
  return Promise.resolve();
}
