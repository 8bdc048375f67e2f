/** What a leased adapter can be told to do wrong: one broken promise each. */
export const FLAWS = [
  // fetching
  "gives nothing back",
  "reads new entries before those given back",
  "releases nothing when it closes",
  "reads nothing but what it claims after a lease",
  "always says that it is caught up",
  "never says that it is caught up",
  "fetches as much as it can, whatever is wanted",
  "lends an entry to two members",
  "counts an attempt for what was given back",
  "hands out backwards",
  "begins every group at the earliest",
  "sees no position",
  // leases and verdicts
  "settles before the broker has answered",
  "takes no refusal of the broker for an answer",
  "forgets every tenth ack",
  "renews no lease",
  "tells of no loss",
  "claims what is lent",
  // links
  "stays away after a lost connection",
  "hides an outage",
  "waits for the broker before it closes",
  // bytes
  "acks nothing that cannot be decoded",
  "says nothing of what cannot be decoded",
  "stops at what cannot be decoded",
  "steps over what its dead letter did not take",
  "loses metadata",
  "makes text of key bytes",
  // publishing
  "publishes without a time limit",
  "calls what an abort left open rejected",
  "calls what the broker refused confirmed",
  "calls what a cut left open rejected",
  "confirms before the broker has answered",
  "sends again what the broker may have",
  "closes without waiting for publishes",
  "publishes at once what is to be held back",
  // questions
  "counts as lag only what nobody has fetched",
  "seeks nowhere",
  "deletes no group",
  "provisions nothing",
] as const;

export type Flaw = (typeof FLAWS)[number];
