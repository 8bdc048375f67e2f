/** What the suite needs of a test runner. Vitest, Jest, Mocha's `it` and `node:test` fit as they are. */
export interface TestRunner {
  readonly describe: (title: string, body: () => void) => unknown;
  readonly it: TestRegistrar;
  readonly beforeAll?: ((run: () => Promise<void>) => unknown) | undefined;
  readonly afterAll?: ((run: () => Promise<void>) => unknown) | undefined;
  /** Told of every scenario that does not run, with the reason. Without it `it.skip` is used, else the reason is printed. */
  readonly notRun?: ((title: string, reason: string) => void) | undefined;
}

export interface TestRegistrar {
  (title: string, run: () => Promise<void>, timeoutMs?: number): unknown;
  readonly skip?: ((title: string, run?: () => Promise<void>) => unknown) | undefined;
}
