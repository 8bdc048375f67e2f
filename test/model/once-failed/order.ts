import type { Case } from "./case.ts";

/** What failed comes again before what is behind it. */
export const order: readonly Case[] = [
  {
    holds: "keeps the order of an outbox whose broker fails while the forwarder restarts",
    broke: "order",
    program: {
      on: "persistent",
      handlers: [{ kind: "forwarder" }],
      steps: [
        { do: "start" },
        { do: "publishes", topic: "out", fail: "rejected", ms: 60 },
        { do: "publish", messages: [{ text: "1", key: "k" }] },
        { do: "pass", ms: 3 },
        {
          do: "publish",
          messages: [
            { text: "2", key: "k" },
            { text: "3", key: "k" },
          ],
        },
        { do: "pass", ms: 5 },
        { do: "close" },
        { do: "start" },
        { do: "pass", ms: 500 },
      ],
    },
  },
  {
    holds: "keeps the order of a batch handler that is stopped after a failure",
    broke: "order",
    program: {
      on: "persistent",
      handlers: [{ kind: "batch", size: 2 }],
      steps: [
        { do: "start" },
        { do: "publish", messages: [{ text: "1", key: "a", acts: [{ sleep: 20, end: "throw" }] }] },
        { do: "pass", ms: 5 },
        {
          do: "publish",
          messages: [
            { text: "2", key: "a" },
            { text: "3", key: "a" },
          ],
        },
        { do: "stop" },
      ],
    },
  },
  {
    holds: "keeps the order of a pipeline that is stopped after a failed confirmation",
    broke: "order",
    program: {
      on: "persistent",
      handlers: [{ kind: "producing", pipeline: 4 }],
      steps: [
        { do: "start" },
        { do: "publishes", topic: "out", fail: "rejected", ms: 20 },
        {
          do: "publish",
          messages: [
            { text: "1", key: "k", acts: [{ sleep: 10 }] },
            { text: "2", key: "k", acts: [{ sleep: 30 }] },
            { text: "3", key: "k", acts: [{ sleep: 10 }] },
            { text: "4", key: "k", acts: [{ sleep: 10 }] },
          ],
        },
        { do: "pass", ms: 15 },
        { do: "stop" },
      ],
    },
  },
  {
    holds: "dead-letters in a pipeline only what is behind no failed confirmation",
    broke: "outputOrder",
    program: {
      on: "persistent",
      handlers: [{ kind: "producing", pipeline: 8, minDelayMs: 0, maxDelayMs: 1, deadLetter: true }],
      steps: [
        { do: "start" },
        { do: "publishes", topic: "out" },
        { do: "publishes", topic: "out", fail: "rejected", ms: 50 },
        {
          do: "publish",
          messages: [
            { text: "1", key: "k" },
            { text: "2", key: "k" },
            { text: "3", key: "k", acts: [{ end: "permanent" }] },
            { text: "4", key: "k" },
            { text: "5", key: "k" },
          ],
        },
        { do: "pass", ms: 200 },
      ],
    },
  },
  {
    holds: "keeps a pipeline's order when it is paused after a failure",
    broke: "order",
    program: {
      on: "persistent",
      handlers: [{ kind: "producing", pipeline: 4 }],
      steps: [
        { do: "start" },
        { do: "publishes", topic: "out", fail: "rejected", ms: 10 },
        {
          do: "publish",
          messages: [
            { text: "1", key: "a" },
            { text: "2", key: "a", acts: [{ sleep: 20 }] },
            { text: "3", key: "a" },
          ],
        },
        { do: "pass", ms: 12 },
        { do: "pause" },
        { do: "pass", ms: 200 },
      ],
    },
  },
  {
    holds: "keeps the order of batches with retry that are paused after a failure",
    broke: "order",
    program: {
      on: "persistent",
      handlers: [{ kind: "batch", concurrency: 4, middleware: [{ use: "retry", minDelayMs: 10 }] }],
      steps: [
        { do: "start" },
        {
          do: "publish",
          messages: [
            { text: "1", key: "a" },
            { text: "2", key: "a", acts: [{ sleep: 10, end: "throw" }, { end: "throw" }] },
            { text: "3", key: "a" },
          ],
        },
        { do: "pass", ms: 10 },
        { do: "pause" },
        { do: "pass", ms: 200 },
      ],
    },
  },
  {
    holds: "puts nothing into a batch behind a message that is not judged yet",
    broke: "order",
    program: {
      on: "memory",
      handlers: [{ kind: "batch", size: 2, middleware: [{ use: "failAfter", times: 1, ms: 10 }] }],
      steps: [
        { do: "start" },
        { do: "publish", messages: [{ text: "1", key: "a" }] },
        { do: "pass", ms: 1 },
        { do: "publish", messages: [{ text: "2", key: "a" }] },
        { do: "pass", ms: 100 },
      ],
    },
  },
  {
    holds: "takes the messages of a key into a batch in the order of their lane",
    broke: "order",
    program: {
      on: "memory",
      handlers: [{ kind: "batch", size: 2, middleware: [{ use: "slow", waits: [20] }] }],
      steps: [
        { do: "start" },
        {
          do: "publish",
          messages: [
            { text: "1", key: "a" },
            { text: "2", key: "a" },
          ],
        },
        { do: "pass", ms: 100 },
      ],
    },
  },
  {
    holds: "gives a message of a batch back with one before it, before a middleware can ack it",
    broke: "order",
    program: {
      on: "lossy",
      handlers: [{ kind: "batch", size: 2, middleware: [{ use: "randomFail", times: 2 }, { use: "instantAck" }] }],
      steps: [
        { do: "start" },
        {
          do: "publish",
          messages: [
            { text: "1", key: "a" },
            { text: "2", key: "a" },
          ],
        },
        { do: "pass", ms: 10 },
      ],
    },
  },
  {
    holds: "lets a message of a batch go on that was acked early, though one before it was lost",
    broke: "order",
    program: {
      on: "lossy",
      handlers: [{ kind: "batch", size: 2, middleware: [{ use: "slow", waits: [1] }, { use: "instantAck" }] }],
      steps: [
        { do: "start" },
        {
          do: "publish",
          messages: [
            { text: "5", key: "b" },
            { text: "6", key: "b" },
          ],
        },
        { do: "lose" },
      ],
    },
  },
  {
    holds: "begins no call in a pipeline that waited for its turn while one before it failed",
    broke: "order",
    program: {
      on: "lossy",
      handlers: [{ kind: "producing", pipeline: 1, middleware: [{ use: "throttle", intervalMs: 2 }], to: "t1" }],
      steps: [
        { do: "start" },
        { do: "publishes", topic: "t1", times: 1 },
        { do: "publishes", topic: "t1", fail: "unknown", times: 1, ms: 1 },
        { do: "publish", messages: [{ text: "1" }, { text: "2", key: "a" }, { text: "3", key: "a" }] },
        { do: "pass", ms: 2 },
      ],
    },
  },
  {
    holds: "publishes in a pipeline what its handler acked itself behind one that failed",
    broke: "outputOrder",
    program: {
      on: "lossy",
      handlers: [{ kind: "producing", pipeline: 1, middleware: [{ use: "failAfter", times: 1, ms: 0 }] }],
      steps: [
        { do: "start" },
        {
          do: "publish",
          messages: [
            { text: "3", key: "a" },
            { text: "4", key: "a", acts: [{ verdict: "ack" }] },
          ],
        },
        { do: "publishes", topic: "out", fail: "rejected", times: 1, ms: 1 },
        { do: "pass", ms: 10 },
      ],
    },
  },
  {
    holds: "stops the lane of a pipeline as soon as a confirmation fails, also while earlier ones are awaited",
    broke: "order",
    program: {
      on: "sqlite",
      handlers: [{ kind: "producing", pipeline: 2 }],
      steps: [
        { do: "start" },
        { do: "publishes", topic: "out", times: 1, ms: 10 },
        { do: "publishes", topic: "out", fail: "unknown", times: 2 },
        { do: "publish", messages: [{ text: "3" }, { text: "4" }, { text: "5", key: "a" }, { text: "6", key: "a" }] },
      ],
    },
  },
];
