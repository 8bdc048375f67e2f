import { describe, expect, it } from "vitest";
import { runScenario } from "../conformance.ts";
import type { Scenario } from "../scenario.ts";
import { SCENARIOS } from "../scenarios/index.ts";
import { FLAWS, type Flaw } from "./flaws.fixture.ts";
import { leasedSetup } from "./leased-setup.fixture.ts";

/** Of each flaw: the scenario whose title names what it breaks, and what that scenario then says. */
const CAUGHT: Readonly<Record<Flaw, readonly [scenario: string, says: RegExp]>> = {
  "gives nothing back": ["pause-gives-back", /the rest is acked after resume/],
  "reads new entries before those given back": ["pause-keeps-order", /in the order of publishing/],
  "releases nothing when it closes": ["close-under-arrivals", /what the others left/],
  "reads nothing but what it claims after a lease": ["prompt", /the member that joined has the message/],
  "always says that it is caught up": ["idle", /waited for the whole backlog/],
  "never says that it is caught up": ["idle", /idle\(\) with a backlog took longer/],
  "fetches as much as it can, whatever is wanted": ["two-members-share", /until both/],
  "lends an entry to two members": ["repeats-nothing", /came again/],
  "counts an attempt for what was given back": ["dispose-gives-back", /the attempt at which the next member has/],
  "hands out backwards": ["in-order", /order of key/],
  "begins every group at the earliest": ["from-latest", /nothing older is handed out/],
  "sees no position": ["from-position", /positions are distinct/],
  "settles before the broker has answered": ["flush-waits-for-the-broker", /although the broker has answered nothing/],
  "takes no refusal of the broker for an answer": ["close-while-broker-is-down", /drain\(\) rejects/],
  "forgets every tenth ack": ["flush", /the broker knows of every ack/],
  "renews no lease": ["handler-longer-than-lease", /it is handed out once|the verdict holds/],
  "tells of no loss": ["lost-lease", /resolving `settled` of the lost delivery/],
  "claims what is lent": ["join-while-busy", /handed out again/],
  "stays away after a lost connection": ["cut-connection", /everything confirmed is acked/],
  "hides an outage": ["publish-during-outage", /the status shows the outage/],
  "waits for the broker before it closes": ["close-while-broker-is-down", /close\(\) with the broker down took longer/],
  "acks nothing that cannot be decoded": ["undecodable-comes-once", /none comes/],
  "says nothing of what cannot be decoded": ["undecodable-comes-once", /three dead letters/],
  "stops at what cannot be decoded": ["undecodable-does-not-stall", /all ten good ones/],
  "steps over what its dead letter did not take": ["undecodable-is-tried-again", /tried again, and taken/],
  "loses metadata": ["metadata", /metadata empty/],
  "makes text of key bytes": ["key-bytes", /first message of every key|the key of/],
  "publishes without a time limit": ["publish-time-limit", /a publish with a limit of 1000 ms took longer/],
  "calls what an abort left open rejected": ["publish-abort-after-sending", /rejected/],
  "calls what the broker refused confirmed": ["publish-refused", /nothing is confirmed/],
  "calls what a cut left open rejected": ["cut-before-confirm", /called rejected and arrives/],
  "confirms before the broker has answered": ["stalled-connection", /nothing is confirmed/],
  "sends again what the broker may have": ["cut-before-confirm", /arrives 2 times/],
  "closes without waiting for publishes": ["close-waits-for-publishes", /no publish that was under way fails/],
  "publishes at once what is to be held back": ["longer-delay-is-refused", /was confirmed/],
  "counts as lag only what nobody has fetched": ["reports-lag", /the lag is/],
  "seeks nowhere": ["admin-seek", /at the earliest all of them are to be read/],
  "deletes no group": ["admin-delete-group", /the deleted group is not listed/],
  "provisions nothing": ["provision", /older than the group/],
};

function scenario(name: string): Scenario {
  const found = SCENARIOS.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no scenario is called ${name}`);
  return found;
}

describe("the suite, on a leased adapter that", () => {
  for (const flaw of FLAWS) {
    const [name, says] = CAUGHT[flaw];
    const { title, run } = scenario(name);
    it(`${flaw}, fails "${title}"`, async () => {
      expect(run).toBeTypeOf("function");
      const setup = leasedSetup(flaw);
      await expect(runScenario(scenario(name), { ...setup, limits: { ...setup.limits, patienceMs: 700, promptMs: 400 } })).rejects.toThrow(says);
    });
  }
});
