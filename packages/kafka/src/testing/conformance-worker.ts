import { serveWorker } from "millrace/conformance";
import { KafkaPubSub } from "../pub-sub.ts";
import { testOptions } from "./test-options.ts";

await serveWorker((task) => new KafkaPubSub(testOptions(process.env.KAFKA_URL ?? "", task.shortLease === true)));
