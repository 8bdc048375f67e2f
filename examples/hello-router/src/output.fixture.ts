import { connect } from "millrace";
import { runHelloRouter } from "./hello-router.ts";

/** Ids become the order in which they first appear. */
function normalised(lines: readonly string[]): string[] {
  const ids = new Map<string, string>();
  const name = (id: string): string => ids.get(id) ?? ids.set(id, `<id ${ids.size + 1}>`).get(id) ?? "";
  return lines.map((line) => line.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, name));
}

/** Three handlers run side by side, so between two messages their lines come in any order. */
function cycles(lines: readonly string[]): string[][] {
  const all: string[][] = [];
  for (const line of lines) {
    if (line.startsWith("\nsending")) all.push([]);
    all.at(-1)?.push(line);
  }
  const order = ["\nsending", "executing", "[hello_handler]", "[incoming_topic_handler]", "[outgoing_topic_handler]"];
  const place = (line: string): number => order.findIndex((start) => line.startsWith(start));
  return all.map((cycle) => cycle.sort((a, b) => place(a) - place(b)));
}

/** What the program prints over a broker, ids and the order of neighbours evened out. */
export async function outputOver(url: string): Promise<string[]> {
  const lines: string[] = [];
  const adapters = {
    amqp: () => import("@millrace/rabbitmq"),
    kafka: () => import("@millrace/kafka"),
    sqlite: () => import("@millrace/sql"),
  };
  const broker = await connect(url, adapters);
  await runHelloRouter({ broker, intervalMs: 500, count: 2, print: (line) => lines.push(line) });
  return normalised(cycles(lines).flat());
}

/** The same, whichever broker runs. */
export const EXPECTED: readonly string[] = [
  "\nsending message <id 1>, correlation id <id 2>",
  "executing hello_handler specific middleware for <id 1>",
  "[hello_handler] received <id 1>",
  "[incoming_topic_handler] received <id 1>: Hello, Millrace! (correlation id <id 2>)",
  "[outgoing_topic_handler] received <id 3>: Hello from hello_handler! (correlation id <id 2>)",
  "\nsending message <id 4>, correlation id <id 5>",
  "executing hello_handler specific middleware for <id 4>",
  "[hello_handler] received <id 4>",
  "[incoming_topic_handler] received <id 4>: Hello, Millrace! (correlation id <id 5>)",
  "[outgoing_topic_handler] received <id 6>: Hello from hello_handler! (correlation id <id 5>)",
];
