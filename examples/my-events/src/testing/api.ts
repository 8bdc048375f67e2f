import type { DatabaseSync } from "node:sqlite";
import type { Message } from "millrace";
import { bookingRoutes } from "../booking-service/booking-routes.ts";
import type { EventName } from "../contracts/index.ts";
import { openDatabase } from "../database/open-database.ts";
import { eventRoutes } from "../event-service/event-routes.ts";
import { locationRoutes } from "../event-service/location-routes.ts";
import { type Serving, serve } from "../http/index.ts";
import { Journal } from "../service/journal.ts";
import { SERVICE_TABLES } from "../service/service-tables.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every kind
  readonly body: any;
}

export type Call = (method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>) => Promise<Answer>;

export async function call(url: string, method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const json: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" };
  const text = body === undefined ? null : typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
  const response = await fetch(url + path, { method, headers: { ...json, ...headers }, body: text as string | null });
  const answer = await response.text();
  return { status: response.status, headers: response.headers, body: answer === "" ? undefined : JSON.parse(answer) };
}

/** Both services over real HTTP with a direct line between them in place of the broker, and a clock of the test's own. */
export interface Api {
  readonly events: Call;
  readonly bookings: Call;
  readonly eventsUrl: string;
  readonly bookingsUrl: string;
  readonly eventsDatabase: DatabaseSync;
  readonly bookingsDatabase: DatabaseSync;
  readonly bookingsJournal: Journal;
  clock: { now: number };
  /** What routes threw that is not a problem document. */
  readonly failures: readonly unknown[];
  /** Hands what one service told to the other, in the order told, or as `arrange` says. */
  deliver(arrange?: (messages: [EventName, Message][]) => [EventName, Message][]): Promise<void>;
  close(): Promise<void>;
}

export async function startApi(paths: { readonly events?: string; readonly bookings?: string } = {}): Promise<Api> {
  const clock = { now: Date.now() };
  const now = (): number => clock.now;
  const eventsDatabase = await openDatabase(paths.events ?? ":memory:", SERVICE_TABLES);
  const bookingsDatabase = await openDatabase(paths.bookings ?? ":memory:", SERVICE_TABLES);
  const toBookings: [EventName, Message][] = [];
  const toEvents: [EventName, Message][] = [];
  const outboxOf = (queue: [EventName, Message][]) => ({
    add: (topic: string, message: Message) => void queue.push([topic as EventName, message]),
    wake: () => {},
  });
  const eventsJournal = new Journal(eventsDatabase, outboxOf(toBookings));
  const bookingsJournal = new Journal(bookingsDatabase, outboxOf(toEvents));
  const eventsContext = { database: eventsDatabase, journal: eventsJournal, now };
  const failures: unknown[] = [];
  const errors = (error: unknown) => void failures.push(error);
  const serving: Serving[] = [
    await serve([...locationRoutes(eventsContext), ...eventRoutes(eventsContext)], { host: "127.0.0.1", port: 0, onError: errors }),
    await serve(bookingRoutes({ database: bookingsDatabase, journal: bookingsJournal, now }), { host: "127.0.0.1", port: 0, onError: errors }),
  ];
  const [eventsUrl, bookingsUrl] = serving.map(({ port }) => `http://127.0.0.1:${port}`) as [string, string];
  return {
    events: (...request) => call(eventsUrl, ...request),
    bookings: (...request) => call(bookingsUrl, ...request),
    eventsUrl,
    bookingsUrl,
    eventsDatabase,
    bookingsDatabase,
    bookingsJournal,
    clock,
    failures,
    async deliver(arrange = (messages) => messages) {
      for (const [name, message] of arrange(toBookings.splice(0))) await bookingsJournal.hear(name, message);
      for (const [name, message] of arrange(toEvents.splice(0))) await eventsJournal.hear(name, message);
    },
    async close() {
      await Promise.all(serving.map((one) => one.close()));
      eventsDatabase.close();
      bookingsDatabase.close();
    },
  };
}

export const hall = (capacity: number, name = "Great Hall"): Record<string, unknown> => ({ name, location: "ground floor", capacity });

export function aLocation(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { name: "Old Mill", address: "1 River Road", country: "NL", openTime: 8, closeTime: 23, halls: [hall(100), hall(50, "Loft")], ...changes };
}

export function anEvent(locationId: string, changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { name: "Opera", locationId, startDate: "2027-01-01T20:00:00+01:00", endDate: "2027-01-01T22:30:00+01:00", ...changes };
}
