import { studentT } from "./student-t.ts";

/** A ratio, and the interval in which it truly lies with a probability of 95 %. */
export interface Ratio {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const PROBABILITY = 0.95;

/**
 * The mean of ratios that were measured apart from each other: that of their logarithms, which weigh twice as fast and twice as slow alike, give
 * or take Student's t (for one degree of freedom less than there are) times its standard error.
 */
export function meanRatio(ratios: readonly number[]): Ratio {
  const count = ratios.length;
  if (count < 2) throw new Error("an interval needs two ratios or more");
  const logs = ratios.map(Math.log);
  const mean = logs.reduce((sum, log) => sum + log, 0) / count;
  const variance = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / (count - 1);
  const reach = studentT(PROBABILITY, count - 1) * Math.sqrt(variance / count);
  return { value: Math.exp(mean), low: Math.exp(mean - reach), high: Math.exp(mean + reach) };
}
