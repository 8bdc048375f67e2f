const SECOND = 1_000;
const DAY = 24 * 60 * 60 * SECOND;

/** A delay is written as a number in this base, in units of so many milliseconds: a digit is a queue. */
export const BASE = 8;
export const LEVELS = 10;

/** A queue's time to live, and its expiry, are 32-bit numbers of milliseconds, which is 49 days. What waits is to find its next queue. */
export const LONGEST_DELAY_MS: number = 45 * DAY;

/** How many milliseconds a digit stands for on a level, from 1 on. */
export function unitMs(level: number): number {
  return BASE ** level;
}

/** A third of what a delayed message may be late at most, which is a second or a hundredth: the rest is for the way through the queues. */
function slackMs(delayMs: number): number {
  return delayMs < 100 * SECOND ? Math.min(delayMs / 8, SECOND / 3) : delayMs / 300;
}

/** For how long a message is held back: the delay, rounded up as far as that makes its digits fewer. */
export function heldMs(delayMs: number): number {
  if (delayMs <= 0) return 0;
  for (let level = LEVELS; level > 1; level--) {
    const rounded = Math.ceil(delayMs / unitMs(level)) * unitMs(level);
    if (rounded - delayMs <= slackMs(delayMs)) return rounded;
  }
  return Math.ceil(delayMs / unitMs(1)) * unitMs(1);
}

/** The digits, from the highest level down to the first: each but 0 is a queue that the message goes through. */
export function digitsOf(delayMs: number): readonly number[] {
  let rest = heldMs(delayMs);
  const digits: number[] = [];
  for (let level = LEVELS; level > 0; level--) {
    const digit = Math.floor(rest / unitMs(level));
    rest -= digit * unitMs(level);
    digits.push(digit);
  }
  return digits;
}

/** The highest level with a digit; 0 for no delay. */
export function levelOf(digits: readonly number[]): number {
  const first = digits.findIndex((digit) => digit > 0);
  return first === -1 ? 0 : LEVELS - first;
}
