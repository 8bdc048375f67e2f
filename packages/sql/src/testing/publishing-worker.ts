import { Message } from "millrace";
import { SqlPubSub } from "../pub-sub.ts";
import { sqlite } from "../sqlite/sqlite.ts";

/** Publishes messages that hold the moment of their commit's begin, in milliseconds since the epoch: path, topic, count, pause in ms. */
const [path = "", topic = "", count = "1", pauseMs = "0"] = process.argv.slice(2);
const pubsub = new SqlPubSub({ dialect: sqlite({ path }) });
await pubsub.provision(topic);
for (let index = 0; index < Number(count); index++) {
  await pubsub.publish(topic, Message.json(performance.timeOrigin + performance.now()));
  await new Promise((resolve) => setTimeout(resolve, Number(pauseMs)));
}
await pubsub.close();
