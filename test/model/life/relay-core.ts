import type { Subscriber } from "millrace";
import { FanIn } from "millrace/fan-in";
import { Forwarder } from "millrace/forwarder";
import { FaultyPublisher } from "../around/faulty-publisher.ts";
import type { HandlerPlan } from "../plan/program.ts";
import type { World } from "../run/world.ts";
import type { Core } from "./core.ts";
import { decorators, failureOf } from "./router-core.ts";
import { DRAIN_MS } from "./unit.ts";

export const FAN_IN_SOURCES: readonly string[] = ["t0", "t1"];
/** Where a forwarder's envelopes are. */
export const BOX = "t0";

/** A forwarder or a fan-in as the plan says. */
export function relayCore(world: World, plan: HandlerPlan): Core {
  const publisher = new FaultyPublisher(world, "relay");
  const { deadLetter, ...failure } = failureOf(plan, publisher);
  const shared = {
    subscriber: decorators(world).reduce((inner, decorate) => decorate(inner), world.bus as Subscriber),
    publisher,
    concurrency: plan.concurrency ?? 1,
    orderBy: plan.unordered ? ("none" as const) : undefined,
    batch: plan.size,
    drainTimeoutMs: DRAIN_MS,
    logger: world.logger,
  };
  // Without a dead letter nothing is given up, whatever the attempts.
  const policy = plan.deadLetter ? failure : { minDelayMs: failure.minDelayMs, maxDelayMs: failure.maxDelayMs };
  const relay =
    plan.kind === "forwarder"
      ? new Forwarder({ ...shared, topic: BOX, maxWaitMs: plan.maxWaitMs, failure: policy, deadLetter })
      : new FanIn({ ...shared, sources: FAN_IN_SOURCES, target: "out", failure: { ...policy, deadLetter } });
  return {
    start: () => relay.start(),
    get started() {
      return relay.started;
    },
    idle: () => relay.idle(),
    health: () => relay.health(),
    close: (options) => relay.close(options),
    closed: undefined,
    add: () => undefined,
  };
}
