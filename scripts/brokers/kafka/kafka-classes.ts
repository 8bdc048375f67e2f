import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, realpathSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { alone } from "../../launch/alone.mjs";
import { BROKERS_FOLDER } from "../brokers-folder.ts";
import { freePorts } from "../free-ports.ts";
import { findProgram } from "../programs.ts";
import { KAFKA_VERSION } from "./kafka-jars.ts";
import { KafkaNode } from "./kafka-node.ts";

/** The flag that gives Java Kafka's classes as a former run left them: it then starts in half the time. */
export function sharedClasses(): readonly string[] {
  const archive = archivePath();
  return existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`] : [];
}

/** Runs a broker once for the sake of its classes, unless that has been done for this Java. */
export async function prepareClasses(): Promise<void> {
  const archive = archivePath();
  if (existsSync(archive)) return;
  await alone(join(BROKERS_FOLDER, ".kafka-lock"), async () => {
    if (existsSync(archive)) return;
    console.log("Preparing Kafka's classes for quick starts, this once.");
    const home = mkdtempSync(join(BROKERS_FOLDER, "classes-"));
    const partial = join(home, "classes.jsa");
    const ports = await freePorts(5);
    const node = new KafkaNode(1, { name: "kafka", home, port: ports.first, nodes: 1 }, () => [`-XX:ArchiveClassesAtExit=${partial}`]);
    // The lock lets a signal end this process at once: the broker goes with it.
    const abandon = (): void => {
      void node.kill();
      rmSync(home, { recursive: true, force: true });
    };
    process.once("exit", abandon);
    try {
      await node.start();
      await node.stop(60_000);
      if (existsSync(partial)) renameSync(partial, archive);
    } finally {
      process.off("exit", abandon);
      await node.kill();
      ports.release();
      rmSync(home, { recursive: true, force: true });
    }
  });
}

/** An archive is good for the Java that wrote it. */
function archivePath(): string {
  const java = realpathSync(findProgram("java") ?? "/");
  const { mtimeMs, size } = statSync(java);
  const key = createHash("sha256").update(`${java} ${mtimeMs} ${size}`).digest("hex").slice(0, 12);
  return join(BROKERS_FOLDER, `kafka-classes-${KAFKA_VERSION}-${key}.jsa`);
}
