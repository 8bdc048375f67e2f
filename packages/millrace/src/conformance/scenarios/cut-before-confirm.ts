import assert from "node:assert/strict";
import { confirmedOf, openProxied, outcomeOf } from "../proxied.ts";
import { needsProxy, type Scenario } from "../scenario.ts";
import { idsOf } from "../world.ts";

export const cutBeforeConfirm: Scenario = {
  name: "cut-before-confirm",
  title: "never calls a publish confirmed or rejected whose confirmation was cut off, unless it made sure, and sends nothing twice",
  timeoutMs: 120_000,
  needs: (_capabilities, setup) => needsProxy(setup),
  run: async (world) => {
    const { pubsub, proxy } = await openProxied(world);
    await pubsub.publish(world.topic, []);
    const direct = await world.watch(await world.open(), { maxInFlight: 10, orderBy: "none" });
    const warm = world.numbered(1);
    await pubsub.publish(world.topic, warm);
    proxy.stall("answers");
    const messages = world.numbered(3, { from: 1 });
    const publishing = outcomeOf(pubsub.publish(world.topic, messages));
    await world.quiet(300);
    proxy.cut();
    proxy.heal();
    const outcomes = await world.within(publishing, "the publish that was cut", 45_000);
    const marker = world.numbered(1, { from: 4 });
    await pubsub.publish(world.topic, marker);
    const expected = [...idsOf(warm), ...confirmedOf(messages, outcomes), ...idsOf(marker)];
    await direct.until(() => expected.every((id) => direct.acked.has(id)), "everything confirmed and the marker are acked", world.patienceMs * 2);
    for (const [index, { id }] of messages.entries()) {
      if (outcomes?.[index] === "rejected") assert.ok(!direct.seen.has(id), `${id} was called rejected and arrives nevertheless`);
      const times = direct.attemptsOf(id).length;
      assert.ok(times <= 1 || world.limits.spontaneousDuplicates === true, `${id} arrives ${times} times: what may be there is sent again`);
    }
  },
};
