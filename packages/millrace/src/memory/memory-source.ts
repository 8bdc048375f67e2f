import type { Intake, Session, Source } from "../adapter/index.ts";
import type { From } from "../message/index.ts";
import type { MemoryGroup } from "./memory-group.ts";
import type { Room } from "./memory-topics.ts";
import type { Stored } from "./stored.ts";

/** One member of a group, as the adapter layer sees it. Everything is at hand, so everything happens at once. */
export function memorySource({ topic, queue }: Room, group: MemoryGroup, from: From | undefined, onLeave: () => void): Source<Stored> {
  return {
    open(intake: Intake<Stored>): Session<Stored> {
      const member = { intake, from, wanted: 0 };
      group.members.push(member);
      return {
        want(count) {
          member.wanted = count;
          group.deal();
        },
        settle(failed) {
          group.failed(failed.length);
        },
        acked(message) {
          group.settled(message);
          queue.moveOn();
        },
        giveBack(messages) {
          group.giveBack(messages);
        },
        describe({ receipt }) {
          return { position: String(receipt.offset), publishedAt: new Date(receipt.publishedAt), orderingKey: receipt.key };
        },
        caughtUp() {
          return group.backlog === 0;
        },
        lag() {
          return group.load;
        },
        oldestAt() {
          return topic.oldestAt(group);
        },
        close() {
          group.members.splice(group.members.indexOf(member), 1);
          onLeave();
          group.deal();
        },
      };
    },
  };
}
