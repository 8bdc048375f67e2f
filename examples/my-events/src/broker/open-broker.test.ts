import { silentLogger } from "millrace";
import { describe, expect, it } from "vitest";
import { checkBroker, isInProcess, openBroker } from "./open-broker.ts";

describe("openBroker", () => {
  it.each(["carrier-pigeon://roof", "redis://x", "nonsense", ""])("refuses %j and lists what it knows", async (url) => {
    expect(() => checkBroker(url)).toThrow(/knows memory:, amqp:, amqps:, kafka:, sqlite:/);
    await expect(openBroker(url, silentLogger)).rejects.toMatchObject({ code: "UNKNOWN_SCHEME" });
  });

  it("never shows what else a URL holds, such as a password", () => {
    expect(() => checkBroker("mystery://user:secret@host")).not.toThrow(/secret/);
  });

  it("opens memory", async () => {
    expect(isInProcess("memory:")).toBe(true);
    const broker = await openBroker("memory:", silentLogger);
    await broker.close();
  });
});
