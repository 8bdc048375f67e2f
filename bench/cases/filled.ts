import { closeSync, fsyncSync, openSync } from "node:fs";
import { SqlPubSub, sqlite } from "@millrace/sql";
import { Message } from "millrace";

/** Puts messages into a topic of a file, and a group at its beginning, as fast as may be; closes, so that the log is in the file itself, and on the disk. */
export async function fill(path: string, topic: string, count: number, bytes: number): Promise<void> {
  const bus = new SqlPubSub({ dialect: sqlite({ path, synchronous: "off" }) });
  const payload = new Uint8Array(bytes);
  await bus.provision(topic, { group: "count" });
  for (let sent = 0; sent < count; sent += 1000)
    await bus.publish(
      topic,
      Array.from({ length: Math.min(1000, count - sent) }, () => new Message(payload)),
    );
  await bus.close();
  // Else the first commit that is measured waits until the disk has all of this.
  const file = openSync(path, "r+");
  fsyncSync(file);
  closeSync(file);
}
