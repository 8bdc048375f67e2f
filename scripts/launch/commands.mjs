/** What each npm script runs, under the Node of the lock file and from the root of the repository. */
export const COMMANDS = {
  start: ["examples/my-events/src/main.ts", "start"],
  "my-events": ["examples/my-events/src/main.ts"],
  "hello-router": ["examples/hello-router/src/main.ts"],
  test: ["scripts/test.ts"],
  stress: ["scripts/stress.ts"],
  bench: ["--expose-gc", "bench/main.ts"],
  "bench:compare": ["bench/compare/main.ts"],
  soak: ["bench/soak/main.ts"],
  brokers: ["scripts/brokers/main.ts"],
  api: ["scripts/api.ts"],
  adapters: ["scripts/adapter-table.ts"],
  build: ["scripts/build.ts"],
  lint: ["node_modules/@biomejs/biome/bin/biome", "check"],
  format: ["node_modules/@biomejs/biome/bin/biome", "check", "--write"],
  typecheck: ["node_modules/typescript/bin/tsc", "-p", "."],
};
