import type { Logger } from "millrace";
import { checkSharedOptions, OptionCheck, type OptionNames } from "millrace/adapter";
import type { Dialect } from "./dialect.ts";

export interface RetentionOptions {
  /** Messages older than this may go. */
  readonly maxAgeMs?: number | undefined;
  /** Beyond so many messages of a topic the oldest may go. */
  readonly maxMessages?: number | undefined;
  /** What all groups of a topic have consumed may go. Default false. */
  readonly consumed?: boolean | undefined;
  /** Also what a group still needs may go. Default false. */
  readonly includeUnread?: boolean | undefined;
  /** How often to look. Default 1,000 ms. */
  readonly everyMs?: number | undefined;
}

export interface SqlPublisherOptions {
  /** The database: `sqlite({ path })` or `sqlite({ database })`. */
  readonly dialect: Dialect;
  /** How long a call waits for a locked database. Default 30,000 ms. */
  readonly publishTimeoutMs?: number | undefined;
  /** Messages that may wait to be written; a call beyond them waits for room, beyond sixteen times as many it is refused with `BUFFER_FULL`. Default 100,000. */
  readonly maxWaiting?: number | undefined;
  /** Bytes of those. Default 256 MiB. */
  readonly maxWaitingBytes?: number | undefined;
  readonly logger?: Logger | undefined;
}

export interface SqlSubscriberOptions {
  readonly dialect: Dialect;
  /** The group's name in the database. Default: the group itself. Share a group with members written in Go by giving theirs. */
  readonly groupName?: ((topic: string, group: string) => string) | undefined;
  /** How long a claim stays with a member that does not renew it. Renewed every third. Default 3,000 ms. */
  readonly leaseMs?: number | undefined;
  /** How far past a group's first unsettled message its members may read. Default 10,000. */
  readonly maxGap?: number | undefined;
  /** Most messages held ahead. Default 1,000. */
  readonly prefetch?: number | undefined;
  /** Most payload bytes held ahead. Default 32 MiB. */
  readonly prefetchBytes?: number | undefined;
  /** Most messages that failed or wait behind a failed one. Default 1,000. */
  readonly parkLimit?: number | undefined;
  readonly logger?: Logger | undefined;
}

export interface SqlPubSubOptions extends SqlPublisherOptions, SqlSubscriberOptions {
  /** Deletes old messages of the topics this object uses, in small steps in the background. Default: nothing is deleted. */
  readonly retention?: RetentionOptions | undefined;
}

export const SQL_DEFAULTS: {
  readonly publishTimeoutMs: number;
  readonly maxWaiting: number;
  readonly maxWaitingBytes: number;
  readonly leaseMs: number;
  readonly maxGap: number;
  readonly retentionEveryMs: number;
} = Object.freeze({
  publishTimeoutMs: 30_000,
  maxWaiting: 100_000,
  maxWaitingBytes: 256 * 1024 * 1024,
  leaseMs: 3_000,
  maxGap: 10_000,
  retentionEveryMs: 1_000,
});

/** The moment at which a longer one ends would be no whole number any more. */
const LONGEST_LEASE_MS = 1e15;

export const PUBLISHER_NAMES: OptionNames<SqlPublisherOptions> = {
  dialect: true,
  publishTimeoutMs: true,
  maxWaiting: true,
  maxWaitingBytes: true,
  logger: true,
};

export const SUBSCRIBER_NAMES: OptionNames<SqlSubscriberOptions> = {
  dialect: true,
  groupName: true,
  leaseMs: true,
  maxGap: true,
  prefetch: true,
  prefetchBytes: true,
  parkLimit: true,
  logger: true,
};

export const RETENTION_NAMES: OptionNames<RetentionOptions> = { maxAgeMs: true, maxMessages: true, consumed: true, includeUnread: true, everyMs: true };

export const PUB_SUB_NAMES: OptionNames<SqlPubSubOptions> = { ...PUBLISHER_NAMES, ...SUBSCRIBER_NAMES, retention: true };

/** Throws `OptionError` with everything that is wrong. */
export function checkOptions<Options extends SqlPubSubOptions>(subject: string, options: Options, names: OptionNames<Options>): void {
  const check = new OptionCheck(subject).known<Options>(options, names);
  check.required("dialect", options.dialect).methods("dialect", options.dialect, ["attach", "appendWithin"]);
  checkSharedOptions(check, options)
    .duration("publishTimeoutMs", options.publishTimeoutMs, { min: 1 })
    .integer("maxWaiting", options.maxWaiting, { min: 1 })
    .integer("maxWaitingBytes", options.maxWaitingBytes, { min: 1 })
    .call("groupName", options.groupName)
    .duration("leaseMs", options.leaseMs, { min: 100, max: LONGEST_LEASE_MS })
    .integer("maxGap", options.maxGap, { min: 1 });
  const { retention } = options;
  if (retention !== undefined) {
    checkRetention(check.known(retention, RETENTION_NAMES, "retention"), retention, "retention.").duration("retention.everyMs", retention.everyMs, { min: 1 });
  }
  check.done();
}

/** What is to be deleted. A rule that is no number must not delete more than one that is. */
export function checkRetention(check: OptionCheck, rule: Omit<RetentionOptions, "everyMs">, prefix = ""): OptionCheck {
  return check
    .duration(`${prefix}maxAgeMs`, rule.maxAgeMs)
    .integer(`${prefix}maxMessages`, rule.maxMessages, { min: 0 })
    .flag(`${prefix}consumed`, rule.consumed)
    .flag(`${prefix}includeUnread`, rule.includeUnread);
}
