import type { BrokenRow } from "./breaking.ts";

/** What an adapter does wrong that tells of lags, and answers to tools. */
export const ADMIN_ROWS: readonly BrokenRow[] = [
  {
    does: "counts as lag what it has not fetched",
    scenarios: ["reports-lag", "reports-lag-of-all-members"],
    breakage: {
      subscription: (subscription) => ({
        status: () => {
          const { lag = 0, held, inFlight, ...rest } = subscription.status();
          return { ...rest, held, inFlight, lag: lag - held - inFlight };
        },
      }),
    },
  },
  {
    does: "counts as lag what it holds, and nothing else",
    scenarios: ["reports-lag", "reports-lag-of-each-group", "reports-lag-of-all-members"],
    breakage: {
      subscription: (subscription) => ({
        status: () => {
          const status = subscription.status();
          return { ...status, lag: status.held + status.inFlight };
        },
      }),
    },
  },
  {
    does: "tells the newest message as the oldest",
    scenarios: ["reports-lag"],
    breakage: { subscription: (subscription) => ({ status: () => ({ ...subscription.status(), oldestAt: new Date(8e15) }) }) },
  },
  {
    does: "has no admin",
    scenarios: ["admin-questions"],
    breakage: { pubsub: () => ({ admin: undefined }) },
  },
  {
    does: "seeks nowhere",
    scenarios: ["admin-seek", "admin-seek-to-a-place", "admin-busy", "admin-unknown", "admin-after-close"],
    breakage: { pubsub: (inner) => ({ admin: { ...inner.admin, seek: () => Promise.resolve() } }) },
  },
  {
    does: "seeks to the earliest, whatever it is told",
    scenarios: ["admin-seek", "admin-seek-to-a-place"],
    breakage: {
      pubsub: (inner) => ({ admin: { ...inner.admin, seek: (topic: string, group: string) => inner.admin?.seek?.(topic, group, "earliest") } }),
    },
  },
  {
    does: "deletes no group",
    scenarios: ["admin-delete-group", "admin-delete-idle", "admin-busy", "admin-unknown", "admin-after-close"],
    breakage: { pubsub: (inner) => ({ admin: { ...inner.admin, deleteGroup: () => Promise.resolve() } }) },
  },
  {
    does: "answers for what it does not know",
    scenarios: ["admin-unknown", "admin-after-close"],
    breakage: {
      pubsub: (inner) => ({ admin: { ...inner.admin, lag: () => Promise.resolve({ messages: 0 }), groups: () => Promise.resolve([]) } }),
    },
  },
  {
    does: "lists no group, and every topic twice",
    scenarios: ["admin-topics-and-groups"],
    breakage: {
      pubsub: (inner) => ({
        admin: {
          ...inner.admin,
          topics: async () => [...((await inner.admin?.topics?.()) ?? []), ...((await inner.admin?.topics?.()) ?? [])],
          groups: () => Promise.resolve([]),
        },
      }),
    },
  },
];
