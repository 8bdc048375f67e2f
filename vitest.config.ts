import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["millrace:source"] },
  ssr: { resolve: { conditions: ["millrace:source"], externalConditions: ["millrace:source"] } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "examples/**/*.test.ts", "test/**/*.test.ts", "scripts/**/*.test.ts", "bench/**/*.test.ts"],
    pool: "forks",
    execArgv: ["--conditions=millrace:source", "--expose-gc"],
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
