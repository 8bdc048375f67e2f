import { silentLogger } from "../logger/index.ts";
import { Message } from "../message/index.ts";
import { STRIPPED, stripped } from "../message/stripped.fixture.ts";
import { Router, type RouterOptions } from "../router/index.ts";
import { type Harness, harness } from "../testing/index.ts";

/** A router on a harness whose clock stands still. */
export class RouterApp implements AsyncDisposable {
  readonly app: Harness = harness();
  readonly router: Router;

  constructor(options: RouterOptions = {}) {
    const { pubsub } = this.app;
    this.router = new Router({ subscriber: STRIPPED ? stripped(pubsub) : pubsub, publisher: pubsub, logger: silentLogger, ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.run(this.router.close({ timeoutMs: 0 }));
    await this.app[Symbol.asyncDispose]();
  }
}

export function numbered(count: number): Message[] {
  return Array.from({ length: count }, (_, index) => new Message(String(index), { id: `m-${index}` }));
}
