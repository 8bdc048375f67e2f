import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { findProgram } from "../../scripts/brokers/programs.ts";

const SOURCE = fileURLToPath(new URL("watermill", import.meta.url));
const NETWORK = /dial tcp|no such host|i\/o timeout|connection refused|TLS handshake/;

/** A message as Watermill has it. */
export interface WatermillMessage {
  readonly uuid: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** In base64. */
  readonly payload: string;
  /** In base64; where the broker has keys. */
  readonly key?: string;
}

/** A message for Go to publish. */
export interface WatermillOrder extends WatermillMessage {
  /** What Watermill's delay component marks it with, as Go writes durations. */
  readonly delay?: string;
}

/** A message that Watermill's forwarder has brought to a topic. */
export interface ForwardedMessage extends WatermillMessage {
  readonly topic: string;
}

/** The Go program beside this file, built. */
export class WatermillProgram {
  /** Where it is, for who runs it in another way. */
  readonly path: string;
  readonly #folder: string;

  private constructor(folder: string, program: string) {
    this.#folder = folder;
    this.path = program;
  }

  /** Builds it; or why that cannot be done here. */
  static build(): WatermillProgram | { readonly notRun: string } {
    const go = findProgram("go");
    if (go === undefined) return { notRun: "there is no Go (go) on PATH to build Watermill's side with" };
    const folder = mkdtempSync(join(tmpdir(), "millrace-interop-"));
    const program = join(folder, "watermill");
    const { status, stderr } = spawnSync(go, ["build", "-o", program, "."], { cwd: SOURCE, encoding: "utf8" });
    if (status === 0) return new WatermillProgram(folder, program);
    rmSync(folder, { recursive: true });
    if (NETWORK.test(stderr)) return { notRun: `Watermill's modules could not be fetched: ${stderr.trim().split("\n").at(-1)}` };
    throw new Error(`Watermill's side could not be built:\n${stderr}`);
  }

  async publish(kind: string, url: string, topic: string, messages: readonly WatermillOrder[]): Promise<void> {
    await this.#run([kind, "publish", url, topic], lined(messages));
  }

  async read(kind: string, url: string, topic: string, group: string, count: number): Promise<readonly WatermillMessage[]> {
    return parsed(await this.#run([kind, "read", url, topic, group, String(count)]));
  }

  /** Has Watermill's requeuer bring so many dead letters back to the topics that they came from. */
  async requeue(kind: string, url: string, topic: string, group: string, count: number): Promise<void> {
    await this.#run([kind, "requeue", url, topic, group, String(count)]);
  }

  /** What Watermill's forwarder makes of envelopes. */
  async forward(envelopes: readonly WatermillMessage[]): Promise<readonly ForwardedMessage[]> {
    return parsed(await this.#run(["forward"], lined(envelopes)));
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #run(args: readonly string[], input = ""): Promise<string> {
    const child = spawn(this.path, args);
    child.stdin.end(input);
    const ended = new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
    const [output, complaints, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    if (code !== 0) throw new Error(`watermill ${args.join(" ")} ended with code ${code}:\n${complaints}`);
    return output;
  }
}

function lined(messages: readonly WatermillMessage[]): string {
  return messages.map((message) => `${JSON.stringify(message)}\n`).join("");
}

function parsed<Line extends WatermillMessage>(lines: string): readonly Line[] {
  return lines.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Line]));
}
