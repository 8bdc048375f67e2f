import { exchange } from "../exchange.ts";

const METADATA = 3;
const VERSION = 1;

/** Whether the node at this port answers and counts so many nodes, itself among them, as ready for work. */
export async function kafkaAnswers(port: number, nodes: number): Promise<boolean> {
  const body = Buffer.alloc(18);
  body.writeInt32BE(14, 0);
  body.writeInt16BE(METADATA, 4);
  body.writeInt16BE(VERSION, 6);
  body.writeInt32BE(1, 8);
  body.writeInt16BE(-1, 12);
  // No topics at all; the nodes come anyway, but for those that wait to be let in.
  body.writeInt32BE(0, 14);
  const answer = await exchange(port, body, (bytes) => bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0));
  return answer !== undefined && readyNodes(answer) >= nodes;
}

function readyNodes(answer: Buffer): number {
  return answer.length < 12 ? 0 : answer.readInt32BE(8);
}
