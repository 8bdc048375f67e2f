import { connect } from "node:net";

/** Sends bytes to a port of the loopback address and collects what comes back until it is complete; undefined when it does not within a second. */
export function exchange(port: number, bytes: Buffer, isComplete: (answer: Buffer) => boolean): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let answer = Buffer.alloc(0);
    const end = (result?: Buffer): void => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(1_000, () => end());
    socket.on("error", () => end());
    socket.on("close", () => end());
    socket.on("connect", () => socket.write(bytes));
    socket.on("data", (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      if (isComplete(answer)) end(answer);
    });
  });
}
