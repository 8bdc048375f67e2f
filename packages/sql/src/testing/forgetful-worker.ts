import { serveWorker } from "millrace/conformance";
import { ForgetfulPubSub } from "./forgetful-pub-sub.ts";

await serveWorker(() => new ForgetfulPubSub(process.env.SQLITE_FILE ?? ""));
