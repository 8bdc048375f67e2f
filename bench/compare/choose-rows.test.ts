import { describe, expect, it } from "vitest";
import { chooseRows } from "./choose-rows.ts";
import { ROWS } from "./rows/index.ts";

const names = (...words: readonly string[]): readonly string[] => chooseRows(ROWS, words).map(({ name }) => name);

describe("chooseRows", () => {
  it("takes the rows that begin with a word, and all without one", () => {
    expect(names("SQLite consume", "memory 16 B, s")).toEqual([
      "memory 16 B, sync handler",
      "sqlite consume, default prefetch",
      "sqlite consume, prefetch 100",
    ]);
    expect(names()).toEqual(ROWS.map(({ name }) => name));
  });

  it("refuses a word that no row begins with, and lists the rows", () => {
    expect(() => names("memory", "postgres")).toThrow(/^No row begins with "postgres"\. There are:\n {2}memory 16 B, sync handler\n/);
  });
});

describe("the rows", () => {
  it("have names of their own, and cover memory, router, SQLite, Kafka and RabbitMQ", () => {
    const all = ROWS.map(({ name }) => name);
    expect([...new Set(all)]).toEqual(all);
    expect([...new Set(all.map((name) => name.split(" ")[0]))]).toEqual(["memory", "router", "sqlite", "kafka", "rabbitmq"]);
  });
});
