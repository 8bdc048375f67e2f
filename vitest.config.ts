import { defaultExclude, defineConfig } from "vitest/config";
import { LongOnesFirst } from "./test/long-ones-first.ts";

const ON_BROKERS = [
  "packages/{kafka,rabbitmq}/src/**/*.test.ts",
  "examples/**/*on-brokers.test.ts",
  "examples/**/*-brokers.test.ts",
  "bench/soak/*-on-brokers.test.ts",
  "test/{brokers,delays,interop}/**/*.test.ts",
];

/** Files at a time, on two cores. Most of what a test takes is waiting, so that three leave the machine room; what compiles and installs does not wait. */
const WAITING = 3;
const WORKING = 2;

export default defineConfig({
  resolve: { conditions: ["millrace:source"] },
  ssr: { resolve: { conditions: ["millrace:source"], externalConditions: ["millrace:source"] } },
  test: {
    pool: "forks",
    execArgv: ["--conditions=millrace:source", "--expose-gc"],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    globalSetup: ["test/brokers/global-setup.ts"],
    sequence: { sequencer: LongOnesFirst },
    projects: [
      {
        extends: true,
        test: {
          name: "units",
          include: ["packages/*/src/**/*.test.ts", "examples/**/*.test.ts", "scripts/**/*.test.ts", "bench/**/*.test.ts"],
          exclude: [...defaultExclude, ...ON_BROKERS],
          maxWorkers: WAITING,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // The router once more, on subscribers that have the public contract and nothing else: whatever saves it work is missing there.
        extends: true,
        test: {
          name: "foreign",
          include: ["packages/millrace/src/router/*.test.ts"],
          env: { MILLRACE_STRIPPED: "1" },
          maxWorkers: WAITING,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // On real brokers, which kill, freeze and start again: after those that need the machine's attention, and with more patience.
        extends: true,
        test: { name: "brokers", include: ON_BROKERS, testTimeout: 60_000, hookTimeout: 60_000, maxWorkers: WAITING, sequence: { groupOrder: 2 } },
      },
      {
        // What spans packages, after the rest: it compiles and installs, and would take the machine from tests that measure time.
        extends: true,
        test: {
          name: "repository",
          include: ["test/**/*.test.ts"],
          exclude: [...defaultExclude, ...ON_BROKERS],
          globalSetup: ["test/build-once.ts"],
          testTimeout: 120_000,
          maxWorkers: WORKING,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
