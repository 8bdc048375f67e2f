import { exchange } from "../exchange.ts";

const GREETING = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1]);
const METHOD_FRAME = 1;

/** Whether a server at this port answers the greeting of AMQP 0-9-1 with its first frame. */
export async function rabbitmqAnswers(port: number): Promise<boolean> {
  const answer = await exchange(port, GREETING, (bytes) => bytes.length >= 7);
  return answer?.[0] === METHOD_FRAME;
}
