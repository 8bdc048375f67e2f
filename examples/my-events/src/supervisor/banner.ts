import type { Config } from "../config/index.ts";

/** What is running where, and lines to paste into another terminal. */
export function banner(config: Config, urls: Readonly<Record<string, string>>): string {
  const { events, bookings, page } = urls;
  const json = "-H 'content-type: application/json'";
  // The id is the only member of that exact name in these answers.
  const id = `sed 's/.*"id":"\\([^"]*\\)".*/\\1/'`;
  return `
MyEvents is running.
  EventService    ${events}/events
  BookingService  ${bookings}/events
  live page       ${page}
  data in ${config.dataDir}

Try, in another terminal:
  LOCATION=$(curl -s ${json} -d '{"name":"Old Mill","address":"1 River Road","country":"NL","openTime":8,"closeTime":23,"halls":[{"name":"Great Hall","location":"ground floor","capacity":100}]}' ${events}/locations | ${id})
  EVENT=$(curl -s ${json} -d '{"name":"Opera","locationId":"'$LOCATION'","startDate":"2027-01-01T20:00:00Z","endDate":"2027-01-01T22:30:00Z"}' ${events}/events | ${id})
  curl -i ${json} -H 'idempotency-key: my-first' -d '{"seats":2}' ${bookings}/events/$EVENT/bookings
  curl ${bookings}/events/$EVENT
  curl ${events}/events/$EVENT/bookings
  curl "${bookings}/events?at=$(date -u +%Y-%m-%dT%H:%M:%SZ)"

Each event shows below as it is told and heard. Ctrl-C stops everything.
`;
}
