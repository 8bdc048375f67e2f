import { adapterSuite } from "../../../../test/adapter-suite.ts";
import { silentLogger } from "../logger/index.ts";
import { MemoryPubSub, memoryCapabilities, persistentMemoryCapabilities } from "./index.ts";

adapterSuite({
  name: "MemoryPubSub",
  capabilities: memoryCapabilities,
  create: () => new MemoryPubSub({ logger: silentLogger }),
  singleInstance: true,
  admin: ["topics", "groups", "lag", "deleteGroup"],
});

adapterSuite({
  name: "MemoryPubSub, persistent",
  capabilities: persistentMemoryCapabilities,
  create: () => new MemoryPubSub({ persistent: true, logger: silentLogger }),
  singleInstance: true,
  admin: ["topics", "groups", "lag", "seek", "deleteGroup"],
});
