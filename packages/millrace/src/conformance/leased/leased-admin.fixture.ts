import { checkQuestion } from "../../adapter/index.ts";
import { OptionError } from "../../errors/index.ts";
import type { BrokerAdmin } from "../../message/index.ts";
import type { Flaw } from "./flaws.fixture.ts";
import type { LeasedBroker } from "./leased-broker.fixture.ts";

export function leasedAdmin(broker: LeasedBroker, flaws: ReadonlySet<Flaw>, checkOpen: () => void): BrokerAdmin {
  return {
    async topics() {
      checkOpen();
      return broker.topics();
    },
    async groups(topic) {
      checkQuestion("LeasedPubSub.admin.groups", { topic });
      checkOpen();
      return broker.groups(topic);
    },
    async lag(topic, group) {
      checkQuestion("LeasedPubSub.admin.lag", { topic, group });
      checkOpen();
      return { messages: broker.lag(topic, group, !flaws.has("counts as lag only what nobody has fetched")) };
    },
    async seek(topic, group, to) {
      checkQuestion("LeasedPubSub.admin.seek", { topic, group, to });
      if (typeof to === "object" && "position" in to && !/^\d+$/.test(to.position)) throw new OptionError("LeasedPubSub.admin.seek", ["to is no position"]);
      checkOpen();
      if (!flaws.has("seeks nowhere")) broker.seek(topic, group, to);
    },
    async deleteGroup(topic, group) {
      checkQuestion("LeasedPubSub.admin.deleteGroup", { topic, group });
      checkOpen();
      if (!flaws.has("deletes no group")) broker.deleteGroup(topic, group);
    },
  };
}
