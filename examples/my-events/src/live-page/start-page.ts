import type { ServerResponse } from "node:http";
import type { Logger, PubSub } from "millrace";
import type { Config } from "../config/index.ts";
import { eventNames, type ServiceName } from "../contracts/index.ts";
import { json, type Reply, type Route, serve } from "../http/index.ts";
import { DEAD_LETTERS } from "../service/broker-link.ts";
import { Feed } from "./feed.ts";
import { PAGE } from "./page.ts";
import { ServiceWatch } from "./service-watch.ts";

const STATE_EVERY_MS = 1_000;

export interface StartPageOptions {
  readonly config: Config;
  /** Stays open when the page closes. */
  readonly broker: PubSub;
  readonly logger: Logger;
}

export interface RunningPage {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts the live page: one HTML page, fed by server-sent events. */
export async function startPage({ config, broker, logger }: StartPageOptions): Promise<RunningPage> {
  const feed = new Feed(broker, [...eventNames, DEAD_LETTERS], logger);
  const watches = (Object.entries(config.serviceUrls) as [ServiceName, string][]).map(([service, url]) => new ServiceWatch(service, url));
  const visitors = new Set<ServerResponse>();
  const state = (): string =>
    eventText("state", { topics: feed.topics(), services: watches.map((watch) => watch.report()), broker: schemeOf(config.brokerUrl) });
  const stream = (response: ServerResponse): void => {
    visitors.add(response);
    response.on("close", () => visitors.delete(response));
    response.write(`retry: 1000\n\n${state()}${feed.last.map((message) => eventText("message", message)).join("")}`);
  };
  const routes: Route[] = [
    {
      method: "GET",
      path: "/",
      respond: (): Reply => ({ status: 200, headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-cache" }, body: PAGE }),
    },
    {
      method: "GET",
      path: "/stream",
      respond: (): Reply => ({ status: 200, headers: { "content-type": "text/event-stream", "cache-control": "no-store" }, stream }),
    },
    { method: "GET", path: "/health", respond: () => json(200, { status: feed.watching ? "ok" : "degraded", service: "page", pid: process.pid }) },
  ];
  const serving = await serve(routes, { host: config.host, port: config.ports.page, onError: (error) => logger.error({ error }, "a request failed") });
  feed.start();
  for (const watch of watches) watch.start();
  const stopListening = feed.listen((message) => send(visitors, eventText("message", message)));
  const ticking = setInterval(() => send(visitors, state()), STATE_EVERY_MS);
  return {
    url: serving.url,
    async close() {
      clearInterval(ticking);
      stopListening();
      for (const visitor of visitors) visitor.end();
      await Promise.all([serving.close(), feed.close(), ...watches.map((watch) => watch.close())]);
    },
  };
}

/** A visitor who does not keep up misses some; nothing is stored up for anybody. */
function send(visitors: ReadonlySet<ServerResponse>, text: string): void {
  for (const visitor of visitors) if (!visitor.writableNeedDrain) visitor.write(text);
}

function eventText(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** The rest of a broker's URL may hold a password. */
function schemeOf(url: string): string {
  return url.slice(0, url.indexOf(":") + 1);
}
