import { randomInt } from "node:crypto";
import { connect, createServer, type Server } from "node:net";

/** Below the ports that systems give to outgoing connections. */
const FIRST = 20_000;
const LAST = 32_000;
const BLOCK = 10;

/** Ports in a row that nobody uses. Others who ask see them as taken until they are released, or this process ends. */
export interface FreePorts {
  readonly first: number;
  release(): void;
}

export async function freePorts(count: number): Promise<FreePorts> {
  const size = Math.ceil((count + 1) / BLOCK) * BLOCK;
  for (let attempt = 0; attempt < 200; attempt++) {
    const first = FIRST + randomInt((LAST - FIRST - size) / BLOCK) * BLOCK;
    const signs = await takeBlocks(first, size);
    const release = (): void => signs?.forEach((sign) => void sign.close());
    if (signs !== undefined && (await allFree(first, count))) {
      for (const sign of signs) sign.unref();
      return { first, release };
    }
    release();
  }
  throw new Error(`found no ${count} free ports in a row between ${FIRST} and ${LAST}`);
}

/** The last port of each block is the sign that it is taken, also while what runs on the others is down. */
async function takeBlocks(first: number, size: number): Promise<Server[] | undefined> {
  const signs: Server[] = [];
  for (let port = first + BLOCK - 1; port < first + size; port += BLOCK) {
    const sign = await listen(port);
    if (sign !== undefined) signs.push(sign);
    else {
      for (const taken of signs) taken.close();
      return undefined;
    }
  }
  return signs;
}

async function allFree(first: number, count: number): Promise<boolean> {
  for (let port = first; port < first + count; port++) if ((port + 1) % BLOCK !== 0 && !(await isFree(port))) return false;
  return true;
}

/** Asked by taking it for a moment: who is about to listen there must not be disturbed by the question, see `isListening`. */
export async function isFree(port: number): Promise<boolean> {
  const server = await listen(port);
  if (server === undefined) return false;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return true;
}

/** Whether a connection is taken. */
export function isListening(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  return new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  }).finally(() => socket.destroy());
}

function listen(port: number): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve) => {
    server.once("error", () => resolve(undefined));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => resolve(server));
  });
}
