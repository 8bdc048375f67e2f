/**
 * Removed things stay as a row without data: a tombstone whose version keeps an older message, come late, from reviving them.
 * `taken` counts the seats of each event's bookings, so that a booking need not add them up.
 */
export const VIEW_TABLES = `
  CREATE TABLE IF NOT EXISTS locations (
    id TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL,
    version INTEGER NOT NULL,
    data TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS locations_in_order ON locations (sequence, id);
  CREATE TABLE IF NOT EXISTS events (
    id TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL,
    version INTEGER NOT NULL,
    location_id TEXT,
    data TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS events_in_order ON events (sequence, id);
  CREATE INDEX IF NOT EXISTS events_of_location ON events (location_id);
  CREATE TABLE IF NOT EXISTS bookings (
    id TEXT PRIMARY KEY,
    event_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    seats INTEGER NOT NULL,
    user_id TEXT,
    created_at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS bookings_in_order ON bookings (sequence, id);
  CREATE INDEX IF NOT EXISTS bookings_of_event ON bookings (event_id, sequence, id);
  CREATE TABLE IF NOT EXISTS taken (
    event_id TEXT PRIMARY KEY,
    seats INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`;
