import { describe, expect, it } from "vitest";
import { Room } from "./room.ts";

describe("Room", () => {
  it("lets in what fits, and one alone of any size", () => {
    const room = new Room(100);
    expect(room.take(500)).toBe(true);
    expect(room.take(1)).toBe(false);
    room.release(500);
    expect(room.take(60)).toBe(true);
    expect(room.take(41)).toBe(false);
    expect(room.take(40)).toBe(true);
  });

  it("lets those who wait in one after the other, and nobody past them", async () => {
    const room = new Room(100);
    room.take(100);
    const entered: string[] = [];
    const first = room.wait(90);
    const second = room.wait(10);
    void first.entered.then(() => entered.push("first"));
    void second.entered.then(() => entered.push("second"));
    expect(room.take(1)).toBe(false);
    room.release(50);
    await Promise.resolve();
    expect(entered).toEqual([]);
    room.release(50);
    await second.entered;
    expect(entered).toEqual(["first", "second"]);
  });

  it("goes on with the next when one that waits leaves", async () => {
    const room = new Room(100);
    room.take(50);
    const large = room.wait(90);
    const small = room.wait(10);
    large.leave();
    await small.entered;
    expect(room.take(40)).toBe(true);
  });
});
