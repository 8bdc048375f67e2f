import { describe, expect, it, vi } from "vitest";
import { endOffsets } from "./start-offsets.ts";
import type { Cluster } from "./wire/cluster.ts";

describe("the ends of no partitions", () => {
  it("are known without asking, also of a topic that is not there", async () => {
    const refresh = vi.fn(async () => new Map());
    const cluster = { topic: () => undefined, refresh } as unknown as Cluster;
    expect(await endOffsets(cluster, "orders", [], true)).toEqual(new Map());
    expect(refresh).not.toHaveBeenCalled();
    await expect(endOffsets(cluster, "orders", [0], true)).rejects.toMatchObject({ code: "TOPIC_MISSING" });
  });
});
