import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { alone } from "../../launch/alone.mjs";
import { BrokerUnavailable } from "../broker-unavailable.ts";
import { BROKERS_FOLDER } from "../brokers-folder.ts";
import { installDebianPackages } from "../debian-packages.ts";
import { findProgram, runProgram } from "../programs.ts";

const POM = fileURLToPath(new URL("pom.xml", import.meta.url));
export const KAFKA_VERSION: string = /<kafka\.version>(.*)<\/kafka\.version>/.exec(readFileSync(POM, "utf8"))?.[1] ?? "";

/** The folder of the jars, which all instances share. */
export const KAFKA_JARS: string = join(BROKERS_FOLDER, `kafka-jars-${KAFKA_VERSION}`);

/** Sees to it that there are a Java and the jars; throws `BrokerUnavailable` where there cannot be. */
export async function installKafka(): Promise<void> {
  const java = findProgram("java") === undefined;
  const jars = !existsSync(KAFKA_JARS);
  const maven = jars && findProgram("mvn") === undefined;
  if (java || maven) {
    const packages = [...(java ? ["default-jre-headless"] : []), ...(maven ? ["maven"] : [])];
    await installDebianPackages("Kafka", packages, java ? "there is no Java (17 or newer) on PATH" : "there is no Maven (mvn) on PATH to fetch its jars with");
  }
  if (jars) await alone(join(BROKERS_FOLDER, ".kafka-lock"), fetchJars);
}

async function fetchJars(): Promise<void> {
  if (existsSync(KAFKA_JARS)) return;
  console.log(`Fetching Kafka ${KAFKA_VERSION} with Maven, this once (57 MB).`);
  const partial = `${KAFKA_JARS}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", `-DoutputDirectory=${partial}`];
  const { code, output } = await runProgram(findProgram("mvn") ?? "mvn", ["-B", "-q", "-f", POM, ...goal]);
  if (code !== 0) throw new BrokerUnavailable(`Kafka's jars could not be fetched: mvn ended with code ${code}: ${firstError(output)}`);
  // Whole or not at all: a fetch that was cut off leaves no folder of this name.
  renameSync(partial, KAFKA_JARS);
}

function firstError(output: string): string {
  return (/^\[ERROR\] (.*)$/m.exec(output)?.[1] ?? output.trim().split("\n").at(-1) ?? "").slice(0, 300);
}
