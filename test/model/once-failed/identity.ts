import type { Case } from "./case.ts";

/** A delivery is known by itself, never by its message's id. */
export const identity: readonly Case[] = [
  {
    holds: "takes no lost delivery for another one without an id",
    broke: "lost",
    program: {
      on: "lossy",
      handlers: [{ kind: "consumer", concurrency: 2, unordered: true }],
      steps: [
        { do: "start" },
        {
          do: "publish",
          messages: [
            { text: "1", id: "", acts: [{ sleep: 20, end: "throw" }] },
            { text: "2", id: "", acts: [{ sleep: 10 }] },
          ],
        },
        { do: "lose" },
        { do: "pass", ms: 100 },
      ],
    },
  },
  {
    holds: "knows each redelivery's own call, whatever the ids",
    broke: "twice",
    program: {
      on: "lossy",
      handlers: [{ kind: "consumer", concurrency: 2 }],
      steps: [
        { do: "start" },
        {
          do: "publish",
          messages: [
            { text: "1", id: "x", acts: [{ sleep: 20 }] },
            { text: "2", id: "x", acts: [{ sleep: 50 }] },
          ],
        },
        { do: "lose" },
        { do: "pass", ms: 100 },
      ],
    },
  },
  {
    holds: "lets messages without an id pass a deduplicator",
    broke: "lost",
    program: {
      on: "memory",
      handlers: [{ kind: "consumer", middleware: [{ use: "deduplicator" }] }],
      steps: [
        {
          do: "publish",
          messages: [
            { text: "1", id: "" },
            { text: "2", id: "" },
          ],
        },
      ],
    },
  },
  {
    holds: "publishes messages without an id through deduplicatePublisher",
    broke: "lost",
    program: {
      on: "memory",
      deduplicated: true,
      handlers: [{ kind: "consumer" }],
      steps: [
        {
          do: "publish",
          messages: [
            { text: "1", id: "" },
            { text: "2", id: "" },
          ],
        },
      ],
    },
  },
  {
    holds: "waits for no stranger's call when a message fails beside a timeout",
    broke: "starved",
    program: {
      on: "persistent",
      handlers: [{ kind: "consumer", concurrency: 2, unordered: true, abandonAfterMs: 3000, middleware: [{ use: "timeout", ms: 50 }] }],
      steps: [
        { do: "start" },
        {
          do: "publish",
          messages: [
            { text: "1", id: "", acts: [{ hang: true }] },
            { text: "2", id: "", acts: [{ sleep: 5, end: "throw" }] },
          ],
        },
        { do: "pass", ms: 1500 },
      ],
    },
  },
  {
    holds: "keeps the order of a key in batches with retry, whatever the ids",
    broke: "order",
    program: {
      on: "persistent",
      handlers: [{ kind: "batch", concurrency: 2, middleware: [{ use: "retry", minDelayMs: 50 }] }],
      steps: [
        { do: "start" },
        {
          do: "publish",
          messages: [
            { text: "1", key: "a", id: "", acts: [{ end: "throw" }] },
            { text: "2", key: "a", id: "" },
          ],
        },
        { do: "pass", ms: 500 },
      ],
    },
  },
  {
    holds: "takes no message whose publish failed for its own duplicate",
    broke: "lost",
    program: {
      on: "persistent",
      handlers: [{ kind: "producing", minDelayMs: 0, middleware: [{ use: "deduplicator" }] }],
      steps: [{ do: "start" }, { do: "publishes", topic: "out", fail: "rejected" }, { do: "publish", messages: [{ text: "1" }] }, { do: "pass", ms: 100 }],
    },
  },
  {
    holds: "takes no message that its handler nacked for its own duplicate",
    broke: "lost",
    program: {
      on: "persistent",
      handlers: [{ kind: "consumer", middleware: [{ use: "deduplicator" }] }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1", acts: [{ verdict: 10 }] }] }, { do: "pass", ms: 100 }],
    },
  },
  {
    holds: "does not record what a handler nacked after a close had taken it away",
    broke: "lost",
    program: {
      on: "persistent",
      handlers: [{ kind: "consumer", middleware: [{ use: "deduplicator" }] }],
      steps: [
        { do: "start" },
        { do: "publish", messages: [{ text: "1", acts: [{ sleep: 50, verdict: 0 }] }] },
        { do: "close", timeoutMs: 10 },
        { do: "start" },
        { do: "pass", ms: 500 },
      ],
    },
  },
  {
    holds: "lets a duplicate in batches behind an early ack go when the first has ended",
    broke: "idleHangs",
    program: {
      on: "persistent",
      handlers: [{ kind: "batch", middleware: [{ use: "instantAck" }, { use: "deduplicator" }, { use: "failAfter", times: 0 }] }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1" }, { text: "2", id: "1" }] }, { do: "pass", ms: 100 }],
    },
  },
  {
    holds: "waits for no abandoned call of a message that was acked early in a deduplicator",
    broke: "idleHangs",
    program: {
      on: "persistent",
      handlers: [{ kind: "batch", middleware: [{ use: "timeout", ms: 1 }, { use: "instantAck" }, { use: "deduplicator" }] }],
      steps: [
        { do: "start" },
        { do: "publish", messages: [{ text: "2", acts: [{ hang: true }] }] },
        { do: "publish", messages: [{ text: "3", id: "2" }] },
        { do: "pass", ms: 1 },
      ],
    },
  },
  {
    holds: "waits for no hung call for ever in a deduplicator",
    broke: "stuck",
    program: {
      on: "persistent",
      handlers: [{ kind: "consumer", middleware: [{ use: "timeout", ms: 20 }, { use: "deduplicator" }] }],
      steps: [{ do: "start" }, { do: "publish", messages: [{ text: "1", acts: [{ hang: true }] }] }, { do: "pass", ms: 2000 }],
    },
  },
];
