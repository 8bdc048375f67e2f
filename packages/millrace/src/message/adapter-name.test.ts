import { describe, expect, it } from "vitest";
import { MemoryPubSub } from "../memory/index.ts";
import { adapterName, DECORATES } from "./adapter-name.ts";
import { type Subscriber, transformPublisher, transformSubscriber } from "./index.ts";

describe("the name of an adapter", () => {
  it("is that of its class, also behind decorators", () => {
    const bus = new MemoryPubSub();
    expect(adapterName(bus)).toBe("MemoryPubSub");
    expect(adapterName(transformSubscriber(() => {})(bus))).toBe("MemoryPubSub");
    expect(adapterName(transformPublisher(() => {})(transformPublisher(() => {})(bus)))).toBe("MemoryPubSub");
    const { provision: _, ...own } = transformSubscriber(() => {})(bus) as Subscriber;
    expect(adapterName({ ...own, [DECORATES]: bus })).toBe("MemoryPubSub");
  });

  it("is empty where there is none", () => {
    expect([adapterName({}), adapterName(Object.create(null))]).toEqual(["", ""]);
    const round: { [DECORATES]?: object } = {};
    round[DECORATES] = round;
    expect(adapterName(round)).toBe("");
  });
});
