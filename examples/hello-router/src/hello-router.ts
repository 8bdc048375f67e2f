import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Logger, Message, type Middleware, type PubSub, type ReceivedMessage, Router } from "millrace";
import { correlationId, messageCorrelationId, recoverer, retry, setCorrelationId, throttle, timeout } from "millrace/middleware";
import { signals } from "millrace/plugins";

const INCOMING = "incoming_topic";
const OUTGOING = "outgoing_topic";

export interface HelloRouterOptions {
  readonly broker: PubSub;
  /** Between two messages. Default 3,000. */
  readonly intervalMs?: number | undefined;
  /** How many messages are sent before everything is closed. Default: no end. */
  readonly count?: number | undefined;
  readonly logger?: Logger | undefined;
  readonly print?: ((line: string) => void) | undefined;
}

/**
 * Sends a greeting every few seconds. `hello_handler` answers each on another topic, and a handler on either topic prints what
 * arrives there. Resolves when the router has closed: at Ctrl-C, or after `count` messages.
 */
export async function runHelloRouter(options: HelloRouterOptions): Promise<void> {
  const { broker, intervalMs = 3_000, count = Number.POSITIVE_INFINITY, print = console.log } = options;
  const router = new Router({ subscriber: broker, publisher: broker, owns: [broker], logger: options.logger });
  router.addPlugin(signals());
  router.addMiddleware(correlationId(), timeout(10_000), throttle({ count: 10, intervalMs: 1_000 }), retry({ maxRetries: 5 }), recoverer());

  const hello = router.addHandler({
    name: "hello_handler",
    subscribe: INCOMING,
    publish: OUTGOING,
    handle: (message) => {
      print(`[hello_handler] received ${message.id}`);
      return new Message("Hello from hello_handler!");
    },
  });
  hello.addMiddleware(announcing(print));
  router.addConsumerHandler({ name: `${INCOMING}_handler`, subscribe: INCOMING, handle: printing(`${INCOMING}_handler`, print) });
  router.addConsumerHandler({ name: `${OUTGOING}_handler`, subscribe: OUTGOING, handle: printing(`${OUTGOING}_handler`, print) });

  const stop = new AbortController();
  const running = router.run().finally(() => stop.abort());
  await Promise.all([running, sendGreetings()]);

  async function sendGreetings(): Promise<void> {
    try {
      await router.started;
    } catch {
      return; // run() tells
    }
    for (let sent = 0; sent < count && !stop.signal.aborted; sent++) {
      const message = new Message("Hello, Millrace!");
      setCorrelationId(randomUUID(), message);
      print(`\nsending message ${message.id}, correlation id ${messageCorrelationId(message)}`);
      await broker.publish(INCOMING, message);
      await sleep(intervalMs, undefined, { signal: stop.signal }).catch(() => {});
    }
    await router.idle();
    await router.close();
  }
}

/** A middleware of one handler alone. */
function announcing(print: (line: string) => void): Middleware {
  return (next) => (message) => {
    print(`executing hello_handler specific middleware for ${message.id}`);
    return next(message);
  };
}

function printing(handler: string, print: (line: string) => void): (message: ReceivedMessage) => void {
  return (message) => {
    print(`[${handler}] received ${message.id}: ${message.text()} (correlation id ${messageCorrelationId(message)})`);
  };
}
