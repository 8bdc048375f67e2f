const FURTHEST = 1000;

/** So far from 0, to either side, does Student's t with so many degrees of freedom (1 or more) stay with this probability: 2.145 for 0.95 and 14. */
export function studentT(probability: number, degrees: number): number {
  let [low, high] = [0, FURTHEST];
  for (let middle = (low + high) / 2; middle > low && middle < high; middle = (low + high) / 2) {
    if (within(middle, degrees) < probability) low = middle;
    else high = middle;
  }
  return high;
}

/** The probability that |t| is at most `limit`: a finite sum where the degrees of freedom are a whole number. */
function within(limit: number, degrees: number): number {
  const angle = Math.atan(limit / Math.sqrt(degrees));
  const odd = degrees % 2 === 1;
  const square = Math.cos(angle) ** 2;
  let term = odd ? Math.cos(angle) : 1;
  let sum = degrees === 1 ? 0 : term;
  for (let at = odd ? 3 : 2; at < degrees; at += 2) {
    term *= (square * (at - 1)) / at;
    sum += term;
  }
  sum *= Math.sin(angle);
  return odd ? (2 / Math.PI) * (angle + sum) : sum;
}
