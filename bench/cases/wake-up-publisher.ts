/** A process that publishes one message now and then: `wake-up-publisher.ts <path> <count> <mean milliseconds between>`. */
import { SqlPubSub, sqlite } from "@millrace/sql";
import { Message } from "millrace";

/** Nanoseconds of the machine's monotonic clock, as text. */
export interface Committed {
  readonly text: string;
  readonly calledAt: string;
  readonly committedAt: string;
}

const [path = "", count = "0", everyMs = "0"] = process.argv.slice(2);
const bus = new SqlPubSub({ dialect: sqlite({ path }) });
const committed: Committed[] = [];
for (let sent = 0; sent < Number(count); sent++) {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 2 * Number(everyMs)));
  const calledAt = process.hrtime.bigint();
  await bus.publish("topic", new Message(String(sent)));
  committed.push({ text: String(sent), calledAt: String(calledAt), committedAt: String(process.hrtime.bigint()) });
}
await bus.close();
process.send?.(committed);
process.disconnect?.();
