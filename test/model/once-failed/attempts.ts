import type { Case } from "./case.ts";

/** What counts as an attempt, and when the next one comes. */
export const attempts: readonly Case[] = [
  {
    holds: "dead-letters nothing that waited behind a hung batch",
    broke: "deadLetter",
    program: {
      on: "memory",
      handlers: [{ kind: "batch", deadLetter: true, attempts: 2, abandonAfterMs: 5000, middleware: [{ use: "timeout", ms: 20 }] }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1", acts: [{ hang: true }] }, { text: "2" }] }, { do: "pass", ms: 1500 }],
    },
  },
  {
    holds: "dead-letters nothing that failed only with its batch",
    broke: "deadLetter",
    program: {
      on: "memory",
      handlers: [{ kind: "batch", size: 2, deadLetter: true, attempts: 1 }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1", acts: [{ end: "panic" }] }, { text: "2" }] }, { do: "pass", ms: 500 }],
    },
  },
  {
    holds: "counts no wait for a batch against a time limit",
    broke: "deadLetter",
    program: {
      on: "memory",
      handlers: [{ kind: "batch", size: 2, maxWaitMs: 60, deadLetter: true, middleware: [{ use: "timeout", ms: 50 }] }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1" }] }, { do: "pass", ms: 500 }],
    },
  },
  {
    holds: "counts no attempt of those that go back with a failed one, without side doors",
    broke: "attempts",
    program: {
      on: "persistent",
      views: ["contract"],
      handlers: [{ kind: "batch", size: 3, maxWaitMs: 10 }],
      steps: [
        { do: "start" },
        {
          do: "publish",
          messages: [
            { text: "1", key: "a", acts: [{ end: "throw" }] },
            { text: "2", key: "a" },
            { text: "3", key: "a" },
          ],
        },
        { do: "pass", ms: 100 },
      ],
    },
  },
  {
    holds: "dead-letters nothing for an open breaker",
    broke: "deadLetter",
    program: {
      on: "memory",
      handlers: [{ kind: "consumer", deadLetter: true, middleware: [{ use: "circuitBreaker", failures: 2, timeoutMs: 1000 }] }],
      steps: [
        { do: "start" },
        { do: "publish", messages: [{ text: "1", acts: [{ end: "throw" }, { end: "throw" }] }, { text: "2" }] },
        { do: "pass", ms: 500 },
      ],
    },
  },
  {
    holds: "opens no breaker for lost deliveries",
    broke: "breaker",
    program: {
      on: "lossy",
      handlers: [{ kind: "consumer", middleware: [{ use: "circuitBreaker", failures: 2 }] }],
      steps: [
        { do: "start" },
        {
          do: "publish",
          messages: [
            {
              text: "1",
              acts: [
                { hang: true, obey: true },
                { hang: true, obey: true },
              ],
            },
          ],
        },
        { do: "lose" },
        { do: "pass", ms: 1 },
        { do: "lose" },
        { do: "pass", ms: 1 },
      ],
    },
  },
  {
    holds: "poisons nothing for an open breaker",
    broke: "poison",
    program: {
      on: "memory",
      handlers: [{ kind: "consumer", middleware: [{ use: "poisonQueue" }, { use: "circuitBreaker", failures: 1 }] }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1", acts: [{ end: "throw" }] }, { text: "2" }] }, { do: "pass", ms: 10 }],
    },
  },
  {
    holds: "waits out a backoff after pause and resume",
    broke: "early",
    program: {
      on: "persistent",
      handlers: [{ kind: "consumer", attempts: 5, minDelayMs: 3000 }],
      steps: [
        { do: "start" },
        { do: "publish", messages: [{ text: "1", acts: [{ end: "throw" }] }] },
        { do: "pause" },
        { do: "resume" },
        { do: "pass", ms: 10 },
      ],
    },
  },
  {
    holds: "waits out a backoff after close and start",
    broke: "early",
    program: {
      on: "memory",
      handlers: [{ kind: "consumer" }],
      steps: [
        { do: "start" },
        { do: "publish", messages: [{ text: "1", acts: [{ verdict: 300 }] }] },
        { do: "close" },
        { do: "start" },
        { do: "pass", ms: 500 },
      ],
    },
  },
  {
    holds: "waits out a backoff after close and start on a store",
    broke: "early",
    program: {
      on: "sqlite",
      handlers: [{ kind: "consumer" }],
      steps: [
        { do: "start" },
        { do: "publish", messages: [{ text: "1", acts: [{ verdict: 300 }] }] },
        { do: "close" },
        { do: "start" },
        { do: "pass", ms: 500 },
      ],
    },
  },
  {
    holds: "is no longer failing when a message that failed was acked and threw",
    broke: "state",
    program: {
      on: "memory",
      handlers: [{ kind: "consumer", attempts: 1 }],
      steps: [
        { do: "start" },
        { do: "publish", messages: [{ text: "1", acts: [{ end: "throw" }, { verdict: "ack", end: "throw" }] }] },
        { do: "pass", ms: 500 },
      ],
    },
  },
  {
    holds: "tries a message of a stopped handler no earlier than its backoff says when it was added again, on a log",
    broke: "early",
    program: {
      on: "sqlite",
      handlers: [{ kind: "producing", middleware: [{ use: "slow", waits: [1] }] }],
      steps: [
        { do: "start" },
        { do: "publish", messages: [{ text: "1" }] },
        { do: "publishes", topic: "out", fail: "rejected", times: 1, ms: 0 },
        { do: "stop" },
      ],
    },
  },
  {
    holds: "lets another member wait for the backoff of a message that was given back, on a log",
    broke: "early",
    program: {
      on: "sqlite",
      members: 2,
      handlers: [{ kind: "consumer", minDelayMs: 300, maxDelayMs: 300 }],
      steps: [
        { do: "start", member: 1 },
        { do: "publish", messages: [{ text: "4", acts: [{ end: "throw" }] }] },
        { do: "pass", ms: 5 },
        { do: "close", member: 1, timeoutMs: 100 },
        { do: "start", member: 0 },
        { do: "pass", ms: 100 },
      ],
    },
  },
  {
    holds: "opens a breaker for those of a batch whose time is over, while the batch goes on",
    broke: "breaker",
    program: {
      on: "memory",
      handlers: [{ kind: "batch", size: 3, middleware: [{ use: "circuitBreaker" }, { use: "timeout", ms: 1 }] }],
      steps: [{ do: "publish", messages: [{ text: "1" }, { text: "2" }, { text: "3", acts: [{ sleep: 1 }] }] }, { do: "start" }],
    },
  },
];
