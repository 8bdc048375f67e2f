import assert from "node:assert/strict";
import { monotonicMs } from "../../internal/timers.ts";
import { openProxied, outcomeOf } from "../proxied.ts";
import { needsProxy, type Scenario } from "../scenario.ts";

const LIMIT_MS = 1_000;
/** Ways to a timer that is due, on a busy machine. */
const SLACK_MS = 2_000;

export const publishTimeLimit: Scenario = {
  name: "publish-time-limit",
  title: "ends a publish when its time is up, with the broker silent or away, and calls nothing of it confirmed",
  timeoutMs: 120_000,
  needs: (_capabilities, setup) => needsProxy(setup),
  run: async (world) => {
    const direct = await world.watch(await world.open(), { maxInFlight: 10, orderBy: "none" });
    for (const trouble of ["stall", "refuse"] as const) {
      const { pubsub, proxy } = await openProxied(world, { publishTimeoutMs: LIMIT_MS });
      await pubsub.publish(world.topic, world.numbered(1));
      if (trouble === "stall") proxy.stall("answers");
      else proxy.refuse();
      const messages = world.numbered(3);
      const began = monotonicMs();
      const publishing = outcomeOf(pubsub.publish(world.topic, messages));
      const outcomes = await world.within(publishing, `a publish with a limit of ${LIMIT_MS} ms`, (LIMIT_MS + SLACK_MS) * world.pace);
      assert.ok(outcomes !== undefined && !outcomes.includes("confirmed"), `nothing is confirmed: ${outcomes}`);
      // A broken connection may tell sooner; silence is borne to the end.
      if (trouble === "stall") assert.ok(monotonicMs() - began >= LIMIT_MS - 50, `it ended ${monotonicMs() - began} ms after its beginning`);
      proxy.heal();
      const [marker] = world.numbered(1);
      assert.ok(marker !== undefined);
      await world.within(
        publishUntilConfirmed(() => outcomeOf(pubsub.publish(world.topic, marker))),
        "a publish afterwards",
        world.patienceMs * 2,
      );
      await direct.until(() => direct.acked.has(marker.id), "what is published afterwards arrives");
      for (const [index, { id }] of messages.entries()) {
        if (outcomes[index] === "rejected") assert.ok(!direct.seen.has(id), `${id} was called rejected and arrives nevertheless`);
      }
    }
  },
};

/** The connection may be on its way back. */
async function publishUntilConfirmed(publish: () => ReturnType<typeof outcomeOf>): Promise<void> {
  while ((await publish()) !== undefined);
}
