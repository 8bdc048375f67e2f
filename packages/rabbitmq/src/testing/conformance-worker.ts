import { serveWorker } from "millrace/conformance";
import { RabbitMqPubSub } from "../pub-sub.ts";
import { testOptions } from "./test-options.ts";

const { RABBITMQ_URL: url = "", RABBITMQ_SHORT_HEARTBEAT_MS: heartbeatMs } = process.env;

await serveWorker((task) => new RabbitMqPubSub({ ...testOptions(url), heartbeatMs: task.shortLease === true ? Number(heartbeatMs) : undefined }));
