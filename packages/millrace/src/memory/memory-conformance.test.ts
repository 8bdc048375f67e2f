import { describe, it } from "vitest";
import { type ConformanceSetup, conformance, stress } from "../conformance/index.ts";
import { MemoryPubSub, memoryCapabilities, persistentMemoryCapabilities } from "./index.ts";

const plain: ConformanceSetup = {
  name: "MemoryPubSub",
  capabilities: memoryCapabilities,
  create: () => new MemoryPubSub(),
  singleInstance: true,
};

const persistent: ConformanceSetup = {
  name: "MemoryPubSub, persistent",
  capabilities: persistentMemoryCapabilities,
  create: () => new MemoryPubSub({ persistent: true }),
  singleInstance: true,
};

for (const setup of [plain, persistent]) {
  conformance({ describe, it }, setup);
  stress(5)({ describe, it }, setup);
}
