import { build } from "../scripts/build.ts";

/** Runs once, before the tests of this folder. What the compiler complains about is the business of checks.test.ts. */
export function setup(): void {
  build();
}
