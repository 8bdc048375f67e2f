import { describe, expect, it } from "vitest";
import { type Handler, Message } from "../message/index.ts";
import { produced } from "./produced.ts";
import { received } from "./received.ts";

describe("produced", () => {
  it("makes a list of nothing, of one message and of several", () => {
    const [one, two] = [new Message("1"), new Message("2")];
    expect(produced(undefined)).toEqual([]);
    expect(produced(one)).toEqual([one]);
    expect(produced([one, two])).toEqual([one, two]);
  });

  it("waits for a promise and passes its failure on", async () => {
    const one = new Message("1");
    await expect(produced(Promise.resolve(one))).resolves.toEqual([one]);
    await expect(produced(Promise.reject(new Error("no")))).rejects.toThrow("no");
  });

  it("takes what any handler returns", async () => {
    const handler: Handler = (message) => [new Message(message.text())];
    const [message] = await produced(handler(received("echo")));
    expect(message?.text()).toBe("echo");
  });
});
