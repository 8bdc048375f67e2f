import process from "node:process";
import { guarded } from "../logger/guarded-logger.ts";
import { OptionCheck } from "../options/index.ts";
import type { Router, RouterPlugin } from "../router/router-options.ts";

export interface SignalsOptions {
  /** Default: `SIGINT` and `SIGTERM`. */
  readonly signals?: readonly NodeJS.Signals[] | undefined;
  /** How long handlers may take to end. Default: the router's `drainTimeoutMs`. */
  readonly timeoutMs?: number | undefined;
}

const DEFAULT_SIGNALS: readonly NodeJS.Signals[] = Object.freeze(["SIGINT", "SIGTERM"]);

/**
 * Closes the router when the process is asked to end.
 *
 * The first signal drains and closes it, once; the process then ends by itself when nothing else keeps it. A second signal of
 * any of the kinds, while that goes on, ends the process at once with exit code 1. An error of the close is logged and sets the
 * exit code to 1. When the router has closed, by a signal or otherwise, nothing listens any more. Follows Watermill's `SignalsHandler`,
 * which swallows every signal after the first.
 *
 * ```ts
 * import { signals } from "millrace/plugins";
 * router.addPlugin(signals({ timeoutMs: 10_000 }));
 * ```
 */
export function signals(options: SignalsOptions = {}): RouterPlugin {
  const check = new OptionCheck("signals").known(options, { signals: true, timeoutMs: true });
  const { signals: names = DEFAULT_SIGNALS, timeoutMs } = options;
  check
    .that(Array.isArray(names) && names.length > 0 && names.every((name) => /^SIG[A-Z0-9]+$/.test(String(name))), "signals must be a list of signal names")
    .duration("timeoutMs", timeoutMs)
    .done();
  return (router) => listen(router, names, timeoutMs);
}

function listen(router: Router, names: readonly NodeJS.Signals[], timeoutMs: number | undefined): void {
  const logger = guarded(router.logger);
  let closing = false;
  const leave = (): void => {
    for (const name of names) process.off(name, onSignal);
  };
  const onSignal = (name: NodeJS.Signals): void => {
    if (closing) {
      logger.error({ signal: name }, "second signal while closing, exiting at once");
      process.exit(1);
    }
    closing = true;
    logger.info({ signal: name }, "signal received, closing the router");
    router.close(timeoutMs === undefined ? undefined : { timeoutMs }).then(leave, (error: unknown) => {
      leave();
      process.exitCode = 1;
      logger.error({ err: error, signal: name }, "the router closed with an error");
    });
  };
  for (const name of names) process.on(name, onSignal);
  void router.closed.then(leave);
}
