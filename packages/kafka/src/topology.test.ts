import { describe, expect, it } from "vitest";
import { Topology } from "./topology.ts";
import type { Cluster, TopicInfo } from "./wire/cluster.ts";

describe("Topology", () => {
  it("makes a topic again that was deleted before anybody saw it", async () => {
    const info: TopicInfo = { name: "t", id: "id", leaders: [1] };
    let made = 0;
    const cluster = {
      logger: { info: () => {} },
      refresh: async () => (made < 2 ? new Map() : new Map([["t", info]])),
      controller: async () => {
        made++;
        return { topics: [{ name: "t", errorCode: 0 }] };
      },
    } as unknown as Cluster;
    expect(await new Topology(cluster, { provision: "create", settings: undefined }).ensure("t")).toBe(info);
    expect(made).toBe(2);
  });
});
