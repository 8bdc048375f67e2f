import type { Case } from "./case.ts";

/** Starting, stopping, pausing, closing, and what health says of it. */
export const life: readonly Case[] = [
  {
    holds: "runs no handler that was stopped in the turn in which its router started",
    broke: "afterEnd",
    program: { on: "memory", handlers: [{ kind: "consumer" }], steps: [{ do: "stopThenStart" }, { do: "publish", messages: [{ text: "1" }] }] },
  },
  {
    holds: "subscribes a chain before the first of it reads",
    broke: "lost",
    program: {
      on: "memory",
      handlers: [
        { kind: "producing", to: "t1" },
        { kind: "consumer", from: "t1", unprovisioned: true },
      ],
      steps: [{ do: "publish", messages: [{ text: "1" }, { text: "2" }, { text: "3" }] }, { do: "start" }],
    },
  },
  {
    holds: "subscribes its handlers side by side",
    broke: "startSlow",
    program: { on: "memory", subscribeMs: 200, handlers: [{ kind: "consumer" }, { kind: "consumer" }], steps: [{ do: "start" }] },
  },
  {
    holds: "closes while a subscribe hangs",
    broke: "endLate",
    program: { on: "memory", handlers: [{ kind: "consumer" }], steps: [{ do: "hangSubscribe" }, { do: "start" }] },
  },
  {
    holds: "waits in close for no retry's backoff",
    broke: "endSlow",
    program: {
      on: "memory",
      handlers: [{ kind: "consumer", middleware: [{ use: "retry", minDelayMs: 4000 }] }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1", acts: [{ end: "throw" }] }] }, { do: "close" }],
    },
  },
  {
    holds: "waits in close for no turn of a throttle",
    broke: "endSlow",
    program: {
      on: "memory",
      handlers: [{ kind: "consumer", middleware: [{ use: "throttle", intervalMs: 4000 }] }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1" }, { text: "2" }] }, { do: "close" }],
    },
  },
  {
    holds: "waits in close for no call that called it",
    broke: "endInside",
    program: {
      on: "memory",
      handlers: [{ kind: "consumer" }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1", acts: [{ ends: "router" }] }] }, { do: "pass", ms: 2000 }],
    },
  },
  {
    holds: "waits in stop for no call that called it",
    broke: "endInside",
    program: {
      on: "memory",
      handlers: [{ kind: "consumer" }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1", acts: [{ ends: "handler" }] }] }, { do: "pass", ms: 4000 }],
    },
  },
  {
    holds: "closes in its own time beside a stop that takes longer",
    broke: "endLate",
    program: {
      on: "memory",
      handlers: [{ kind: "consumer" }],
      steps: [
        { do: "start" },
        { do: "publish", messages: [{ text: "1", acts: [{ sleep: 1, ends: "handler" }] }] },
        { do: "pass", ms: 5 },
        { do: "close", timeoutMs: 100 },
      ],
    },
  },
  {
    holds: "is idle beside a paused handler",
    broke: "idleHangs",
    program: {
      on: "persistent",
      handlers: [{ kind: "consumer" }],
      steps: [{ do: "start" }, { do: "pause" }, { do: "publish", messages: [{ text: "1" }] }, { do: "idle" }, { do: "pass", ms: 1000 }],
    },
  },
  {
    holds: "says stopped after close",
    broke: "closedState",
    program: { on: "memory", handlers: [{ kind: "consumer" }], steps: [{ do: "start" }, { do: "close" }] },
  },
  {
    holds: "has started after it was closed before it was started",
    broke: "startWrong",
    program: { on: "memory", handlers: [{ kind: "consumer" }], steps: [{ do: "close" }, { do: "start" }] },
  },
  {
    holds: "tells the last error from the first failure on",
    broke: "lastError",
    program: {
      on: "memory",
      handlers: [{ kind: "consumer" }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1", acts: [{ end: "throw" }] }] }, { do: "health" }, { do: "pass", ms: 100 }],
    },
  },
  {
    holds: "counts as lag what is not settled, in hand or not",
    broke: "lag",
    program: {
      on: "persistent",
      handlers: [{ kind: "consumer" }],
      steps: [
        { do: "start" },
        { do: "publish", messages: [{ text: "1", acts: [{ sleep: 50 }] }, { text: "2" }] },
        { do: "pass", ms: 10 },
        { do: "health" },
        { do: "pass", ms: 100 },
      ],
    },
  },
];
