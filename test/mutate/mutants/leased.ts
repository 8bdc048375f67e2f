import type { Mutant } from "../mutant.ts";

/** A small adapter on entries that are lent for a time. */
export const LEASED: readonly Mutant[] = [
  {
    promise: "a session that is not caught up says so",
    file: "packages/millrace/src/conformance/leased/leased-source.fixture.ts",
    find: 'if (flaws.has("always says that it is caught up")) return true;',
    put: "return true;",
    caughtBy: {
      file: "packages/millrace/src/conformance/leased/leased-conformance.test.ts",
      title: "lets a router's idle() wait until the whole backlog is handled, also what is still at the broker, and no longer",
    },
  },
  {
    promise: "settle waits for the broker's answer",
    file: "packages/millrace/src/conformance/leased/leased-source.fixture.ts",
    find: 'if (flaws.has("settles before the broker has answered")) {',
    put: "if (true) {",
    caughtBy: {
      file: "packages/millrace/src/conformance/leased/leased-conformance.test.ts",
      title: "resolves flush only when the broker has answered, not while its answers are stalled",
    },
  },
  {
    promise: "leases are renewed",
    file: "packages/millrace/src/conformance/leased/leased-source.fixture.ts",
    find: 'if (flaws.has("renews no lease")) throw',
    put: "if (true) throw",
    caughtBy: {
      file: "packages/millrace/src/conformance/leased/leased-conformance.test.ts",
      title: "keeps the lease of a message in hand, so that a handler longer than the lease is the only one",
    },
  },
  {
    promise: "undecodable records are acked",
    file: "packages/millrace/src/conformance/leased/leased-source.fixture.ts",
    find: 'return !(flaws.has("acks nothing that cannot be decoded") && this.#undecodable.has(offset));',
    put: "return !this.#undecodable.has(offset);",
    caughtBy: {
      file: "packages/millrace/src/conformance/leased/leased-conformance.test.ts",
      title: "gives bytes that cannot be decoded to the dead letter once, raw, and never again: not after a lease, not to the next member",
    },
  },
  {
    promise: "new entries come behind those given back",
    file: "packages/millrace/src/conformance/leased/leased-source.fixture.ts",
    find: 'const newFirst = flaws.has("reads new entries before those given back");',
    put: "const newFirst = true;",
    caughtBy: {
      file: "packages/millrace/src/conformance/leased/leased-conformance.test.ts",
      title: "keeps the order over pause and resume: what was given back comes before what had not been fetched",
    },
  },
  {
    promise: "key bytes are kept",
    file: "packages/millrace/src/conformance/leased/leased-codec.fixture.ts",
    find: 'flaws.has("makes text of key bytes") &&',
    put: "",
    caughtBy: {
      file: "packages/millrace/src/conformance/leased/leased-conformance.test.ts",
      title: "carries every key byte for byte, keeps the order of each, and takes no two for one",
    },
  },
];
