import type { ConformanceSetup } from "../conformance-setup.ts";
import type { Flaw } from "./flaws.fixture.ts";
import { LeasedBroker } from "./leased-broker.fixture.ts";
import { LeasedPubSub, leasedCapabilities } from "./leased-pubsub.fixture.ts";
import { LeasedWire } from "./leased-wire.fixture.ts";

const SHORT_LEASE_MS = 400;
/** Longer than anybody waits. */
const LONG_LEASE_MS = 120_000;

/** The setup of the leased adapter, with a broker of its own and one thing wrong with it, or none. */
export function leasedSetup(flaw?: Flaw): ConformanceSetup {
  const broker = new LeasedBroker();
  const flaws: ReadonlySet<Flaw> = new Set(flaw === undefined ? [] : [flaw]);
  const wires = new Set<LeasedWire>();
  const open = (leaseMs: number, publishTimeoutMs?: number): { readonly pubsub: LeasedPubSub; readonly proxy: LeasedWire } => {
    const proxy = new LeasedWire();
    wires.add(proxy);
    return { proxy, pubsub: new LeasedPubSub({ broker, leaseMs, publishTimeoutMs, wire: proxy, flaws }) };
  };
  return {
    name: flaw === undefined ? "the leased adapter" : `a leased adapter that ${flaw}`,
    capabilities: leasedCapabilities,
    create: () => open(LONG_LEASE_MS).pubsub,
    admin: ["topics", "groups", "lag", "seek", "deleteGroup"],
    lease: { leaseMs: SHORT_LEASE_MS, create: () => open(SHORT_LEASE_MS).pubsub },
    limits: { backlog: 20_000 },
    faults: {
      restartBroker: async () => {
        for (const wire of wires) wire.cut();
      },
      proxied: async ({ shortLease, publishTimeoutMs }) => open(shortLease === true ? SHORT_LEASE_MS : LONG_LEASE_MS, publishTimeoutMs),
      refusePublishing: async (topic) => void broker.readOnly.add(topic),
      deleteTopic: async (topic) => broker.deleteTopic(topic),
      putUndecodable: async (topic) => broker.publish(topic, "no JSON"),
    },
  };
}
