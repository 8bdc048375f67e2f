import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { monotonicMs } from "../internal/timers.ts";
import { ChaosProxy } from "./chaos-proxy.ts";

let echo: Server;
let proxy: ChaosProxy;
const clients: Socket[] = [];

beforeEach(async () => {
  echo = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      received += chunk.length;
      socket.write(chunk);
    });
  });
  received = 0;
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  proxy = await ChaosProxy.start({ port: (echo.address() as AddressInfo).port });
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await proxy.close();
  await new Promise((resolve) => echo.close(resolve));
});

let received = 0;

async function open(): Promise<Socket> {
  const socket = connect(proxy.port, "127.0.0.1");
  socket.on("error", () => {});
  clients.push(socket);
  await once(socket, "connect");
  return socket;
}

/** `once` would reject with the reset that the test is about. */
function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

async function answer(socket: Socket, text: string): Promise<string> {
  const reply = once(socket, "data");
  socket.write(text);
  const [chunk] = (await reply) as [Buffer];
  return chunk.toString();
}

describe("ChaosProxy", () => {
  it("forwards both ways", async () => {
    const socket = await open();
    expect(await answer(socket, "hello")).toBe("hello");
    expect(proxy.connections).toBe(1);
  });

  it("cuts what is connected and lets new connections through", async () => {
    const socket = await open();
    await answer(socket, "hello");
    const closed = closing(socket);
    proxy.cut();
    await closed;
    expect(await answer(await open(), "again")).toBe("again");
  });

  it("turns away new connections until it heals", async () => {
    proxy.refuse();
    const refused = connect(proxy.port, "127.0.0.1");
    clients.push(refused);
    refused.on("error", () => {});
    await closing(refused);
    proxy.heal();
    expect(await answer(await open(), "back")).toBe("back");
  });

  it("keeps connections open but silent while stalled, and delivers afterwards what was sent", async () => {
    const socket = await open();
    await answer(socket, "one");
    proxy.stall();
    let replies = "";
    socket.on("data", (chunk) => {
      replies += chunk.toString();
    });
    socket.write("two");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(replies).toBe("");
    expect(socket.destroyed).toBe(false);
    const reply = once(socket, "data");
    proxy.heal();
    await reply;
    expect(replies).toBe("two");
  });

  it("holds back answers alone", async () => {
    const socket = await open();
    await answer(socket, "one");
    proxy.stall("answers");
    const before = received;
    const got: string[] = [];
    socket.on("data", (chunk) => got.push(chunk.toString()));
    socket.write("two");
    await expect.poll(() => received).toBe(before + 3);
    expect(got).toEqual([]);
  });

  it("adds its latency in each direction", async () => {
    const socket = await open();
    proxy.latencyMs = 30;
    const began = monotonicMs();
    expect(await answer(socket, "slow")).toBe("slow");
    expect(monotonicMs() - began).toBeGreaterThanOrEqual(55);
  });

  it("closes everything it opened", async () => {
    const socket = await open();
    await answer(socket, "hello");
    const closed = closing(socket);
    await proxy.close();
    await closed;
    expect(proxy.connections).toBe(0);
  });
});
