import type { Backoff } from "../internal/backoff.ts";
import { guarded } from "../logger/guarded-logger.ts";
import type { Logger } from "../logger/index.ts";
import { type BackoffOptions, knownBackoff, OptionCheck, type OptionNames } from "../options/index.ts";
import type { Received } from "./received.ts";

/** What an adapter tells its subscriptions about itself and its user's wishes. */
export interface AdapterSettings {
  /** For log lines and health: `"kafka"`, `"sqlite"`. */
  readonly adapter: string;
  /** Most messages held ahead. Default 1000. */
  readonly prefetch?: number | undefined;
  /** Most payload bytes held ahead. Default 32 MiB. */
  readonly prefetchBytes?: number | undefined;
  /** Most messages that failed or wait behind a failed one. Default 1000. */
  readonly parkLimit?: number | undefined;
  /** Most payload bytes of those. Default 32 MiB. */
  readonly parkBytes?: number | undefined;
  /** Verdicts leave at the latest after this time. Default 5 ms. */
  readonly settleDelayMs?: number | undefined;
  /** Verdicts leave at the latest when so many have gathered. Default 256. */
  readonly settleBatch?: number | undefined;
  /**
   * An ack that leaves nothing to be handled goes at once, but where this is true not within `settleDelayMs` of the last ones: for
   * brokers that push, where the next messages do not wait for it. Default false.
   */
  readonly settlesApart?: boolean | undefined;
  /** The broker takes an unordered nacked message back and delivers it again, after a delay. Default false: it waits here. */
  readonly returns?: boolean | undefined;
  /** Failed attempts are told to the session (`kind: "kept"`). Default false. */
  readonly keepsAttempts?: boolean | undefined;
  /** How long a delivery stays ours without renewal; bounds what is held ahead. Default `Infinity`. */
  readonly leaseMs?: number | undefined;
  /** The broker's own ordering key of a message (partition, FIFO group), as `describe` shows it. Default: `message.key`. */
  readonly orderingKey?: ((message: Received) => string | undefined) | undefined;
  /** First and longest wait between two tries to open a session. Default 100 and 5,000 ms. */
  readonly reconnect?: BackoffOptions | undefined;
  /** Default: warnings and errors, one line each on standard error. */
  readonly logger?: Logger | undefined;
}

export type KnownSettings = { readonly [Name in keyof AdapterSettings]-?: Exclude<AdapterSettings[Name], undefined> } & { readonly reconnect: Backoff };

/** The waits of whoever connects anew. */
export const RECONNECT_DEFAULTS: Backoff = Object.freeze({ minDelayMs: 100, maxDelayMs: 5000 });

const MIB = 1024 * 1024;

const NAMES: OptionNames<AdapterSettings> = {
  adapter: true,
  prefetch: true,
  prefetchBytes: true,
  parkLimit: true,
  parkBytes: true,
  settleDelayMs: true,
  settleBatch: true,
  settlesApart: true,
  returns: true,
  keepsAttempts: true,
  leaseMs: true,
  orderingKey: true,
  reconnect: true,
  logger: true,
};

export const SETTING_DEFAULTS: Omit<KnownSettings, "adapter" | "logger"> = Object.freeze({
  prefetch: 1000,
  prefetchBytes: 32 * MIB,
  parkLimit: 1000,
  parkBytes: 32 * MIB,
  settleDelayMs: 5,
  settleBatch: 256,
  settlesApart: false,
  returns: false,
  keepsAttempts: false,
  leaseMs: Infinity,
  orderingKey: (message: Received) => message.key,
  reconnect: RECONNECT_DEFAULTS,
});

/** Defaults filled in; the caller's object is not written. Throws `OptionError` for a setting that is not known. */
export function knownSettings(given: AdapterSettings): KnownSettings {
  new OptionCheck("AdapterSubscription").known(given, NAMES, "settings").done();
  const known: Record<string, unknown> = { ...SETTING_DEFAULTS };
  for (const [name, value] of Object.entries(given)) if (value !== undefined) known[name] = value;
  known.reconnect = knownBackoff(known.reconnect as BackoffOptions, RECONNECT_DEFAULTS);
  known.logger = guarded(given.logger);
  return known as unknown as KnownSettings;
}

/** The options that all adapters share, for an adapter's own `OptionCheck`. */
export function checkSharedOptions(check: OptionCheck, options: Partial<AdapterSettings>): OptionCheck {
  return check
    .integer("prefetch", options.prefetch, { min: 1 })
    .integer("prefetchBytes", options.prefetchBytes, { min: 1 })
    .integer("parkLimit", options.parkLimit, { min: 1 })
    .methods("logger", options.logger, ["trace", "debug", "info", "warn", "error"]);
}
