import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["millrace:source"] },
  ssr: { resolve: { conditions: ["millrace:source"], externalConditions: ["millrace:source"] } },
  test: {
    pool: "forks",
    execArgv: ["--conditions=millrace:source", "--expose-gc"],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    projects: [
      {
        extends: true,
        test: {
          name: "units",
          include: ["packages/*/src/**/*.test.ts", "examples/**/*.test.ts", "scripts/**/*.test.ts", "bench/**/*.test.ts"],
          sequence: { groupOrder: 1 },
        },
      },
      {
        // What spans packages, after the rest: it compiles and installs, and would take the machine from tests that measure time.
        extends: true,
        test: { name: "repository", include: ["test/**/*.test.ts"], globalSetup: ["test/build-once.ts"], testTimeout: 120_000, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
