/** Steps between which a delay is rounded up: one queue each, so that the oldest message of a queue is always the next one due. */
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const STEPS: readonly number[] = [
  ...[10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750],
  ...[1, 1.5, 2, 3, 5, 7.5, 10, 15, 20, 30, 45].map((count) => count * SECOND),
  ...[1, 1.5, 2, 3, 5, 7.5, 10, 15, 20, 30, 45].map((count) => count * MINUTE),
  ...[1, 1.5, 2, 3, 4, 6, 8, 12, 18].map((count) => count * HOUR),
];

/** The longest that a queue can hold a message back: its TTL is a 32-bit number of milliseconds. */
const LONGEST_DAYS = 49;

/** The shortest step that is not shorter than the delay. */
export function stepFor(delayMs: number): number {
  const step = STEPS.find((candidate) => candidate >= delayMs);
  return step ?? Math.min(LONGEST_DAYS, Math.ceil(delayMs / DAY)) * DAY;
}

/** `orders_billing.delay.1500ms` */
export function delayQueueName(queue: string, stepMs: number): string {
  return `${queue}.delay.${stepMs}ms`;
}
