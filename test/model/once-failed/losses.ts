import type { Case } from "./case.ts";

/** Deliveries and connections are lost while calls run. */
export const losses: readonly Case[] = [
  {
    holds: "hands a message again to whoever nacked it after it was lost",
    broke: "lost",
    program: {
      on: "lossy",
      handlers: [{ kind: "consumer" }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1", acts: [{ sleep: 20, verdict: 0 }] }] }, { do: "lose" }, { do: "pass", ms: 100 }],
    },
  },
  {
    holds: "gives up a hung call of a pipeline after a loss",
    broke: "stuck",
    program: {
      on: "lossy",
      handlers: [{ kind: "producing", pipeline: 1 }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1", acts: [{ hang: true }] }] }, { do: "cut", losing: true }, { do: "pass", ms: 2000 }],
    },
  },
  {
    holds: "gives up a hung call of a batch after a loss",
    broke: "stuck",
    program: {
      on: "lossy",
      handlers: [{ kind: "batch" }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1", acts: [{ hang: true }] }] }, { do: "lose" }, { do: "pass", ms: 2000 }],
    },
  },
  {
    holds: "waits for the lost call behind a subscriber decorator too",
    broke: "twice",
    program: {
      on: "lossy",
      views: ["transform"],
      handlers: [{ kind: "consumer", concurrency: 2 }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1", acts: [{ sleep: 20 }] }] }, { do: "lose" }, { do: "pass", ms: 100 }],
    },
  },
  {
    holds: "gives up a hung call behind a subscriber decorator after a loss",
    broke: "stuck",
    program: {
      on: "lossy",
      views: ["transform"],
      handlers: [{ kind: "consumer" }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1", acts: [{ hang: true }] }] }, { do: "lose" }, { do: "pass", ms: 2000 }],
    },
  },
  {
    holds: "keeps a pipeline's order when all of it is lost while it waits",
    broke: "order",
    program: {
      on: "lossy",
      handlers: [{ kind: "producing", pipeline: 4 }],
      steps: [
        { do: "start" },
        { do: "publish", messages: [{ text: "1", acts: [{ sleep: 10 }] }] },
        { do: "publish", messages: [{ text: "2" }, { text: "3" }, { text: "4", key: "a" }, { text: "5", key: "a" }] },
        { do: "lose" },
        { do: "pass", ms: 100 },
      ],
    },
  },
  {
    holds: "is no longer failing when another member took the failed message",
    broke: "state",
    program: {
      on: "lossy",
      members: 2,
      handlers: [{ kind: "consumer", concurrency: 2, attempts: 1, minDelayMs: 50 }],
      steps: [
        { do: "start" },
        { do: "start", member: 1 },
        { do: "publish", messages: [{ text: "1", acts: [{ end: "throw" }] }] },
        { do: "lose" },
        { do: "pass", ms: 100 },
      ],
    },
  },
  {
    holds: "forgets the attempts of a message that another member takes after a close",
    broke: "state",
    program: {
      on: "memory",
      members: 2,
      handlers: [{ kind: "consumer" }],
      steps: [
        { do: "start", member: 1 },
        { do: "publish", messages: [{ text: "1", acts: [{ end: "throw" }] }] },
        { do: "close", member: 1 },
        { do: "start" },
        { do: "pass", ms: 100 },
        { do: "start", member: 1 },
        { do: "pass", ms: 100 },
      ],
    },
  },
  {
    holds: "forgets the attempts of a message that went back to the broker and to another member",
    broke: "state",
    program: {
      on: "lossy",
      members: 2,
      bus: { returns: true },
      handlers: [{ kind: "batch", size: 2 }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1", acts: [{ end: "throw" }] }] }, { do: "start", member: 1 }, { do: "pass", ms: 100 }],
    },
  },
  {
    holds: "gives back what it holds when it is paused while the connection is broken",
    broke: "lost",
    program: {
      on: "lossy",
      handlers: [{ kind: "consumer" }],
      steps: [
        { do: "start" },
        { do: "publish", messages: [{ text: "1", acts: [{ end: "throw" }] }] },
        { do: "cut" },
        { do: "pause" },
        { do: "pass", ms: 500 },
        { do: "resume" },
        { do: "pass", ms: 500 },
      ],
    },
  },
  {
    holds: "goes on when a verdict throws under a batch",
    broke: "unhandled",
    program: {
      on: "lossy",
      handlers: [{ kind: "batch" }],
      steps: [{ do: "start" }, { do: "breakVerdict" }, { do: "publish", messages: [{ text: "1" }] }, { do: "pass", ms: 500 }],
    },
  },
  {
    holds: "handles on under a logger that throws",
    broke: "stuck",
    program: {
      on: "memory",
      brokenLogger: true,
      handlers: [{ kind: "consumer" }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1", acts: [{ end: "throw" }] }] }, { do: "pass", ms: 100 }],
    },
  },
  {
    holds: "gives a message back whose own nack threw",
    broke: "stuck",
    program: {
      on: "lossy",
      handlers: [{ kind: "consumer", middleware: [{ use: "retry" }] }],
      steps: [{ do: "publish", messages: [{ text: "2", acts: [{ sleep: 0, verdict: 0 }] }, { text: "3" }] }, { do: "start" }, { do: "breakVerdict" }],
    },
  },
  {
    holds: "abandons a call of a pipeline whose subscription broke",
    broke: "concurrency",
    program: {
      on: "lossy",
      handlers: [{ kind: "producing", pipeline: 1 }],
      steps: [
        { do: "start" },
        { do: "breakVerdict" },
        { do: "publish", messages: [{ text: "2" }, { text: "3", acts: [{ hang: true }] }] },
        { do: "pass", ms: 1000 },
      ],
    },
  },
  {
    holds: "forgets a message that fails for good once another member has it and its time is over",
    broke: "state",
    program: {
      on: "lossy",
      members: 2,
      handlers: [{ kind: "producing", maxDelayMs: 3000 }],
      steps: [{ do: "start", member: 1 }, { do: "start" }, { do: "publish", messages: [{ text: "4", acts: [{ end: "permanent" }] }] }, { do: "close" }],
    },
  },
];
