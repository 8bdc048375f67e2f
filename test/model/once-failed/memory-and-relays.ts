import type { Case } from "./case.ts";

/** The pub/sub in memory, and what brings messages from one topic to another. */
export const memoryAndRelays: readonly Case[] = [
  {
    holds: "settles a blocking publish when the reader without a group leaves",
    broke: "publishHangs",
    program: {
      on: "persistent",
      bus: { blocking: true },
      handlers: [{ kind: "consumer" }],
      steps: [{ do: "start" }, { do: "readerComes" }, { do: "publish", messages: [{ text: "1" }] }, { do: "pass", ms: 10 }, { do: "readerLeaves" }],
    },
  },
  {
    holds: "says how many confirmed messages are gone at close",
    broke: "silentLoss",
    program: { on: "memory", leaves: true, handlers: [{ kind: "consumer" }], steps: [{ do: "publish", messages: [{ text: "1" }] }] },
  },
  {
    holds: "says that what is published before anybody is there is gone",
    broke: "silentLoss",
    program: { on: "memory", handlers: [{ kind: "consumer", unprovisioned: true }], steps: [{ do: "publish", messages: [{ text: "1" }] }, { do: "start" }] },
  },
  {
    holds: "rejects a publish of nothing",
    broke: "publishThrows",
    program: { on: "memory", handlers: [{ kind: "consumer" }], steps: [{ do: "start" }, { do: "publishNothing" }] },
  },
  {
    holds: "relays what stands before a message that the target refuses",
    broke: "stuck",
    program: {
      on: "memory",
      handlers: [{ kind: "fanIn" }],
      steps: [{ do: "start" }, { do: "refuse", text: "2" }, { do: "publish", messages: [{ text: "1" }, { text: "2" }] }, { do: "pass", ms: 100 }],
    },
  },
  {
    holds: "dead-letters of a relay only the message that the target refuses",
    broke: "deadLetter",
    program: {
      on: "memory",
      handlers: [{ kind: "fanIn", attempts: 2, deadLetter: true }],
      steps: [
        { do: "start" },
        { do: "refuse", text: "2" },
        { do: "publish", messages: [{ text: "1" }, { text: "2" }, { text: "3" }] },
        { do: "pass", ms: 500 },
      ],
    },
  },
  {
    holds: "tells the last error of a fan-in from the first failure on",
    broke: "lastError",
    program: {
      on: "persistent",
      handlers: [{ kind: "fanIn" }],
      steps: [
        { do: "start" },
        { do: "publishes", topic: "out", fail: "rejected", times: 3 },
        { do: "publish", messages: [{ text: "1" }] },
        { do: "pass", ms: 1 },
        { do: "health" },
        { do: "pass", ms: 100 },
      ],
    },
  },
];
