import type { DatabaseSync } from "node:sqlite";
import type { Logger, PubSub } from "millrace";
import { bookingRoutes } from "../booking-service/booking-routes.ts";
import type { Config } from "../config/index.ts";
import type { ServiceName } from "../contracts/index.ts";
import { openDatabase } from "../database/open-database.ts";
import { eventRoutes } from "../event-service/event-routes.ts";
import { locationRoutes } from "../event-service/location-routes.ts";
import { type Route, type Serving, serve } from "../http/index.ts";
import { BrokerLink } from "./broker-link.ts";
import type { Context } from "./context.ts";
import { type DurableOutbox, openOutbox } from "./durable-outbox.ts";
import { type Announce, Journal } from "./journal.ts";
import { serviceRoutes } from "./service-routes.ts";
import { SERVICE_TABLES } from "./service-tables.ts";

export interface StartServiceOptions {
  readonly name: ServiceName;
  readonly config: Config;
  /** Stays open when the service closes. */
  readonly broker: PubSub;
  readonly logger: Logger;
  readonly announce?: Announce | undefined;
}

export interface RunningService {
  readonly url: string;
  /** Resolves when the service is tied to the broker. */
  readonly linked: Promise<void>;
  close(): Promise<void>;
}

const ROUTES: Readonly<Record<ServiceName, (context: Context) => Route[]>> = {
  events: (context) => [...locationRoutes(context), ...eventRoutes(context)],
  bookings: bookingRoutes,
};

/** Starts EventService or BookingService in this process. Resolves when it answers requests. */
export async function startService(options: StartServiceOptions): Promise<RunningService> {
  const { name, config, broker, logger } = options;
  const database = await openDatabase(config.databases[name], SERVICE_TABLES);
  const opened: { outbox?: DurableOutbox; link?: BrokerLink; serving?: Serving } = {};
  const close = async (): Promise<void> => {
    // Requests first, then messages, then the database under both.
    await opened.serving?.close();
    await opened.link?.close();
    await opened.outbox?.close();
    closeDatabase(database);
  };
  try {
    const outbox = (opened.outbox = await openOutbox(database, logger));
    const journal = new Journal(database, outbox, options.announce);
    const link = (opened.link = new BrokerLink({ service: name, journal, outbox, broker, logger }));
    const routes = [...ROUTES[name]({ database, journal, now: Date.now }), ...serviceRoutes(name, link)];
    const onError = (error: unknown): void => logger.error({ service: name, error }, "a request failed");
    const serving = (opened.serving = await serve(routes, { host: config.host, port: config.ports[name], onError }));
    return { url: serving.url, linked: link.start(), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function closeDatabase(database: DatabaseSync): void {
  if (database.isOpen) database.close();
}
