import type { Case } from "./case.ts";

/** How many calls run at once, and what waits for them. */
export const calls: readonly Case[] = [
  {
    holds: "waits in close for a call whose message is acked already",
    broke: "endEarly",
    program: {
      on: "memory",
      handlers: [{ kind: "consumer", middleware: [{ use: "instantAck" }] }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1", acts: [{ sleep: 20 }] }] }, { do: "close" }],
    },
  },
  {
    holds: "waits in idle for a call whose message is acked already",
    broke: "idleEarly",
    program: {
      on: "memory",
      handlers: [{ kind: "consumer" }],
      steps: [
        { do: "start" },
        { do: "publish", messages: [{ text: "1", acts: [{ verdict: "ack", early: true, sleep: 20 }] }] },
        { do: "idle" },
        { do: "pass", ms: 100 },
      ],
    },
  },
  {
    holds: "publishes in a pipeline what a handler made of a message that it acked",
    broke: "outputDropped",
    program: {
      on: "persistent",
      handlers: [{ kind: "producing", pipeline: 2, middleware: [{ use: "failAfter", times: 1, ms: 5 }] }],
      steps: [
        { do: "start" },
        { do: "publish", messages: [{ text: "1" }, { text: "2" }, { text: "3", acts: [{ verdict: "ack" }] }] },
        { do: "close" },
        { do: "start" },
        { do: "pass", ms: 100 },
      ],
    },
  },
  {
    holds: "hands no message out again while the call that nacked it still runs",
    broke: "twice",
    program: {
      on: "memory",
      handlers: [{ kind: "consumer", concurrency: 2 }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1", acts: [{ verdict: 0, early: true, sleep: 20 }] }] }, { do: "pass", ms: 100 }],
    },
  },
  {
    holds: "begins no call beside one that a timeout inside of a poison queue gave up",
    broke: "concurrency",
    program: {
      on: "memory",
      handlers: [{ kind: "consumer", middleware: [{ use: "poisonQueue" }, { use: "timeout", ms: 10 }] }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1", acts: [{ sleep: 50 }] }, { text: "2" }] }, { do: "pass", ms: 100 }],
    },
  },
  {
    holds: "begins no call beside one that a timeout inside of a retry gave up",
    broke: "twice",
    program: {
      on: "memory",
      handlers: [{ kind: "consumer", middleware: [{ use: "retry" }, { use: "timeout", ms: 10 }] }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1", acts: [{ sleep: 50 }] }] }, { do: "pass", ms: 100 }],
    },
  },
  {
    holds: "begins no call beside one that a timeout gave up in a pipeline",
    broke: "concurrency",
    program: {
      on: "memory",
      handlers: [{ kind: "producing", concurrency: 2, pipeline: 1, middleware: [{ use: "timeout", ms: 10 }] }],
      steps: [
        { do: "start" },
        {
          do: "publish",
          messages: [
            { text: "1", acts: [{ end: "throw" }] },
            { text: "2", acts: [{ sleep: 50 }] },
            { text: "3", acts: [{ sleep: 50 }] },
          ],
        },
        { do: "pass", ms: 100 },
      ],
    },
  },
  {
    holds: "begins no second call of a duplicator that a timeout gave up",
    broke: "concurrency",
    program: {
      on: "memory",
      handlers: [{ kind: "consumer", middleware: [{ use: "timeout", ms: 1 }, { use: "duplicator" }] }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1", acts: [{ sleep: 2 }, { sleep: 20 }] }] }, { do: "pass", ms: 100 }],
    },
  },
  {
    holds: "begins no second call of a duplicator around a breaker that a timeout gave up",
    broke: "concurrency",
    program: {
      on: "memory",
      handlers: [{ kind: "consumer", middleware: [{ use: "timeout", ms: 1 }, { use: "duplicator" }, { use: "circuitBreaker" }, { use: "correlationId" }] }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1", acts: [{ sleep: 2 }, { sleep: 20 }] }] }, { do: "pass", ms: 100 }],
    },
  },
  {
    holds: "lets the other keys have their share beside a slow one, or says what blocks them",
    broke: "starved",
    program: {
      on: "persistent",
      handlers: [{ kind: "consumer", concurrency: 4 }],
      steps: [
        { do: "start" },
        {
          do: "publish",
          messages: [
            { text: "1", key: "hot", copies: 1100, acts: [{ sleep: 100 }] },
            { text: "2", key: "cold" },
          ],
        },
        { do: "pass", ms: 1500 },
      ],
    },
  },
  {
    holds: "publishes the result of a second call at once when the first was abandoned",
    broke: "outputDropped",
    program: {
      on: "sqlite",
      handlers: [{ kind: "producing", pipeline: 1, middleware: [{ use: "retry" }, { use: "instantAck" }, { use: "timeout", ms: 1 }] }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "3", acts: [{ hang: true }] }] }, { do: "pass", ms: 1 }],
    },
  },
];
