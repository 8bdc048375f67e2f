import { AsyncLocalStorage } from "node:async_hooks";
import { type HandlerHandle, type Publisher, Router, type Subscriber, transformSubscriber } from "millrace";
import { deduplicatePublisher } from "millrace/middleware";
import { contractOnly } from "../around/contract-only.ts";
import { duplicatesToo } from "../around/duplicates-too.ts";
import { FaultyPublisher } from "../around/faulty-publisher.ts";
import { gated } from "../around/gated.ts";
import type { ActBook } from "../handlers/act-book.ts";
import { batchBody } from "../handlers/batch-body.ts";
import { layerOf } from "../handlers/layers.ts";
import { observer } from "../handlers/observer.ts";
import { singleBody } from "../handlers/single-body.ts";
import type { Stage } from "../handlers/stage.ts";
import type { GroupBook } from "../ledger/group-book.ts";
import { type HandlerPlan, longestDelayMs } from "../plan/program.ts";
import type { World } from "../run/world.ts";
import type { Core } from "./core.ts";
import { DRAIN_MS } from "./unit.ts";

export interface RouterParts {
  readonly world: World;
  readonly member: number;
  readonly books: readonly GroupBook[];
  readonly acts: ActBook;
  readonly end: (what: "router" | "handler", name: string) => Promise<void>;
}

/** A router as the program says, with an observer around every stack of middleware. */
export function routerCore(parts: RouterParts): Core {
  const { world, books } = parts;
  const publisher: Publisher = new FaultyPublisher(world, "handlers");
  const router = new Router({ subscriber: world.bus, publisher, logger: world.logger, drainTimeoutMs: DRAIN_MS });
  router.addSubscriberDecorators(...decorators(world));
  if (world.program.deduplicated) router.addPublisherDecorators(duplicatesToo(world), deduplicatePublisher());
  return {
    start: () => router.start(),
    get started() {
      return router.started;
    },
    idle: () => router.idle(),
    health: () => router.health(),
    close: (options) => router.close(options),
    get closed() {
      return router.closed;
    },
    add: (name) => {
      const book = books.find((one) => one.name === name);
      return book === undefined ? undefined : add(router, book, publisher, parts);
    },
  };
}

/** What stands between the router and its subscriber, on a member's side. */
export function decorators(world: World): ((subscriber: Subscriber) => Subscriber)[] {
  const views = (world.program.views ?? []).map((view) =>
    view === "contract" ? contractOnly : transformSubscriber((message) => void message.metadata.set("seen", "yes")),
  );
  return [gated(world), ...views];
}

function add(router: Router, book: GroupBook, publisher: Publisher, { world, member, acts, end }: RouterParts): HandlerHandle {
  const { plan, name } = book;
  const layers = (plan.middleware ?? []).map((layer) => layerOf(layer, { world, book, member, publisher }));
  const stage: Stage = { world, book, member, acts, within: new AsyncLocalStorage(), bare: layers.length === 0, end: (what) => end(what, name) };
  const options = {
    name,
    subscribe: plan.from ?? "t0",
    concurrency: plan.concurrency ?? 1,
    orderBy: plan.unordered ? ("none" as const) : undefined,
    abandonAfterMs: plan.abandonAfterMs ?? 1000,
    failure: failureOf(plan, publisher),
    middleware: layers.length === 0 ? [] : [observer(stage), ...layers],
  };
  if (plan.kind === "batch") {
    return router.addBatchHandler({ ...options, size: plan.size ?? 1, maxWaitMs: plan.maxWaitMs ?? 0, handle: batchBody(stage) });
  }
  const handle = singleBody(stage);
  if (plan.kind === "producing") return router.addHandler({ ...options, publish: plan.to ?? "out", pipeline: plan.pipeline ?? 0, handle });
  return router.addConsumerHandler({ ...options, handle: handle as (message: Parameters<typeof handle>[0]) => void });
}

export function failureOf(
  plan: HandlerPlan,
  publisher: Publisher,
): {
  readonly attempts: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly deadLetter: { readonly publisher: Publisher; readonly topic: string } | undefined;
} {
  const { attempts = 3, minDelayMs = 10, deadLetter } = plan;
  const maxDelayMs = longestDelayMs(plan);
  return { attempts, minDelayMs, maxDelayMs, deadLetter: deadLetter ? { publisher, topic: "dead" } : undefined };
}
