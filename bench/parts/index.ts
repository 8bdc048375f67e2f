import type { Part } from "../harness/section.ts";
import { growth } from "./growth.ts";
import { kafka } from "./kafka.ts";
import { latency } from "./latency.ts";
import { memory } from "./memory.ts";
import { rabbitmq } from "./rabbitmq.ts";
import { router } from "./router.ts";
import { sqlite } from "./sqlite.ts";
import { timer } from "./timer.ts";

export const PARTS: readonly Part[] = [memory, router, growth, timer, sqlite, latency, kafka, rabbitmq];
