import type { Mutant } from "../mutant.ts";

/** The source of a broker of which messages are asked for, written once for all of them. */
export const PULLING: readonly Mutant[] = [
  {
    promise: "leases are renewed",
    file: "packages/millrace/src/adapter/pulling/leases.ts",
    find: "const waits = this.#renewing !== undefined || (now >= this.#renewMs && this.#renew(now));",
    put: "const waits = this.#renewing !== undefined;",
    caughtBy: {
      file: "packages/millrace/src/adapter/pulling/pull-leases.test.ts",
      title: "are renewed for what is in hand and what waits, as long as it takes",
    },
  },
  {
    promise: "what a link has not answered is asked of the next one",
    file: "packages/millrace/src/adapter/pulling/pull-session.ts",
    find: "      this.#answers.fail(broken());\n",
    put: "",
    caughtBy: { file: "packages/millrace/src/adapter/pulling/pull-broken-links.test.ts", title: "of verdicts is told to the next one" },
  },
  {
    promise: "what comes late over a link that is lost holds nothing up",
    file: "packages/millrace/src/adapter/pulling/pull-session.ts",
    find: "      if (some) this.#holdings.keeper?.goOn();\n",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/adapter/pulling/pull-broken-links.test.ts",
      title: "is handed out over the next one, behind what was given back meanwhile",
    },
  },
  {
    promise: "a lease that nobody renews ends the delivery",
    file: "packages/millrace/src/adapter/pulling/leases.ts",
    find: "    if (expired.length > 0) this.#hooks.onExpired(expired);\n",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/adapter/pulling/pull-leases.test.ts",
      title: "that the broker does not renew end the delivery when they are over, and not before",
    },
  },
  {
    promise: "a verdict after the lease is refused, whatever the timers say",
    file: "packages/millrace/src/adapter/pulling/leases.ts",
    find: "return lot !== undefined && (lot.untilMs === Infinity || monotonicMs() < lot.untilMs);",
    put: "return lot !== undefined;",
    caughtBy: {
      file: "packages/millrace/src/adapter/pulling/pull-leases.test.ts",
      title: "are over for a process that stood still for longer, whatever its timers say",
    },
  },
  {
    promise: "a lease counts from when its renewal was asked for",
    file: "packages/millrace/src/adapter/pulling/leases.ts",
    find: "for (const lot of lots) lot.untilMs = now + this.#ms;",
    put: "for (const lot of lots) lot.untilMs = monotonicMs() + this.#ms;",
    caughtBy: {
      file: "packages/millrace/src/adapter/pulling/pull-leases.test.ts",
      title: "count from when their renewal was asked for, however late the answer comes",
    },
  },
  {
    promise: "a lease that was over before its message came brings nothing",
    file: "packages/millrace/src/adapter/pulling/leases.ts",
    find: "    if (untilMs <= monotonicMs()) return false;\n",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/adapter/pulling/pull-leases.test.ts",
      title: "that were over before the answer came bring nothing, which health says",
    },
  },
  {
    promise: "what a renewal names is lost",
    file: "packages/millrace/src/adapter/pulling/holdings.ts",
    find: "        this.hindrance.leases(undefined);\n        this.lose(lost);",
    put: "        this.hindrance.leases(undefined);",
    caughtBy: { file: "packages/millrace/src/adapter/pulling/pull-leases.test.ts", title: "named by a renewal are lost, and the others go on" },
  },
  {
    promise: "what the answer to acks names is not durable",
    file: "packages/millrace/src/adapter/pulling/settling.ts",
    find: "      if (lost !== undefined) holdings.lose(lost);\n",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/adapter/pulling/pull-leases.test.ts",
      title: "named by the answer to their acks are not durable, which the flush says",
    },
  },
  {
    promise: "what was acked is renewed until the broker knows of it",
    file: "packages/millrace/src/adapter/pulling/settling.ts",
    find: 'for (const { kind, message } of ours) if (kind !== "kept") holdings.leases.drop(message.receipt);',
    put: "",
    caughtBy: { file: "packages/millrace/src/adapter/pulling/pull-leases.test.ts", title: "are not renewed for what was settled or given back" },
  },
  {
    promise: "no more is asked for than is wanted",
    file: "packages/millrace/src/adapter/pulling/pull-session.ts",
    find: "return Math.max(0, this.#wanted - this.#holdings.surplus.size);",
    put: "return this.#wanted * 2;",
    caughtBy: {
      file: "packages/millrace/src/adapter/pulling/pull-source.test.ts",
      title: "asks for as much as is wanted, and for nothing before somebody reads",
    },
  },
  {
    promise: "what was given back is claimed before anything newer is fetched",
    file: "packages/millrace/src/adapter/pulling/asking.ts",
    find: "if (this.#mayHaveReturns) this.#askBack(missing);\n    else {",
    put: "{",
    caughtBy: { file: "packages/millrace/src/adapter/pulling/pull-source.test.ts", title: "is claimed before anything newer is fetched" },
  },
  {
    promise: "a close gives back all that is still lent",
    file: "packages/millrace/src/adapter/pulling/pull-session.ts",
    find: "    if (final && this.#live) await this.#leave();\n",
    put: "",
    caughtBy: {
      file: "packages/millrace/src/adapter/pulling/pull-source.test.ts",
      title: "gives back all that is still lent: what was not handed out, what came beyond, what cannot be decoded",
    },
  },
  {
    promise: "what dead members left is claimed",
    file: "packages/millrace/src/adapter/pulling/asking.ts",
    find: "this.#claim.start(this.#rules.claimMs, () => this.#askAround());",
    put: "",
    caughtBy: { file: "packages/millrace/src/adapter/pulling/pull-source.test.ts", title: "by members that died is claimed when their leases are over" },
  },
  {
    promise: "undecodable entries are tried again with backoff until their dead letter has them",
    file: "packages/millrace/src/adapter/pulling/undecodables.ts",
    find: "      (failure: unknown) => this.#tryAgain(entry, error, attempt, failure),",
    put: "      () => this.#hooks.onPassed(entry, false),",
    caughtBy: {
      file: "packages/millrace/src/adapter/pulling/undecodables.test.ts",
      title: "whose dead letter fails are tried again with backoff, hold their place, and show in health; the others go on",
    },
  },
  {
    promise: "verdicts on undecodable entries that the broker does not take are told again",
    file: "packages/millrace/src/adapter/pulling/settling.ts",
    find: "      holdings.passed = [...passed, ...holdings.passed];\n",
    put: "",
    caughtBy: { file: "packages/millrace/src/adapter/pulling/undecodables.test.ts", title: "whose verdict the broker does not take are told of again" },
  },
];
