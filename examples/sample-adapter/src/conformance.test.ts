import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { adapterSuite } from "../../../test/adapter-suite.ts";
import { capabilities, ToyPubSub } from "./index.ts";
import { ToyBroker } from "./toy-broker.ts";

const broker = new ToyBroker();

adapterSuite({
  name: "the sample adapter",
  capabilities,
  create: () => new ToyPubSub({ broker }),
  limits: { backlog: 10_000 }, // the toy keeps its records in one array
  faults: {
    async putUndecodable(topic) {
      broker.append(topic, "no JSON");
    },
  },
});

it("has at most 150 lines, the broker aside", () => {
  const files = readdirSync(import.meta.dirname).filter((file) => !/test|toy-broker/.test(file));
  const lines = files.flatMap((file) =>
    readFileSync(new URL(file, import.meta.url), "utf8")
      .trimEnd()
      .split("\n"),
  );
  expect(lines.length).toBeLessThanOrEqual(150);
});
