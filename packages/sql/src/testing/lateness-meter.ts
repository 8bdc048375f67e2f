import { starvedMs } from "millrace/conformance";

/** How late a 10 ms interval was at most, since the start; what other programs took from the machine is not counted. */
export function latenessMeter(): () => number {
  const own = (): number => performance.now() - starvedMs();
  let last = own();
  let worst = 0;
  const look = (): void => {
    const now = own();
    worst = Math.max(worst, now - last - 10);
    last = now;
  };
  const handle = setInterval(look, 10);
  return () => {
    clearInterval(handle);
    look();
    return worst;
  };
}
