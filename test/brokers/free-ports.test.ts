import { describe, expect, it } from "vitest";
import { freePorts, isFree, isListening } from "../../scripts/brokers/free-ports.ts";

describe("freePorts", () => {
  it("marks every ten of a long row as taken, until they are released", async () => {
    const ports = await freePorts(25);
    const signs = [9, 19, 29].map((offset) => ports.first + offset);
    expect(await Promise.all(signs.map(isListening))).toEqual([true, true, true]);
    expect(await isFree(ports.first)).toBe(true);
    ports.release();
    await expect.poll(() => Promise.all(signs.map(isFree))).toEqual([true, true, true]);
  });
});
