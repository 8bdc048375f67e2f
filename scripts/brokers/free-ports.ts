import { randomInt } from "node:crypto";
import { createServer, type Server } from "node:net";

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
    // The last port of the block is the sign that it is taken, also while what runs on the others is down.
    const sign = await listen(first + size - 1);
    if (sign === undefined) continue;
    if (await allFree(first, count)) {
      sign.unref();
      return { first, release: () => void sign.close() };
    }
    sign.close();
  }
  throw new Error(`found no ${count} free ports in a row between ${FIRST} and ${LAST}`);
}

async function allFree(first: number, count: number): Promise<boolean> {
  for (let port = first; port < first + count; port++) if (!(await isFree(port))) return false;
  return true;
}

export async function isFree(port: number): Promise<boolean> {
  const server = await listen(port);
  if (server === undefined) return false;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return true;
}

function listen(port: number): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve) => {
    server.once("error", () => resolve(undefined));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => resolve(server));
  });
}
