import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Api, aLocation, anEvent, hall, startApi } from "../testing/api.ts";

const NOBODY = "00000000-0000-4000-8000-000000000000";

describe("EventService", () => {
  let api: Api;
  beforeEach(async () => {
    api = await startApi();
  });
  afterEach(() => api.close());

  const newLocation = async (changes = {}): Promise<string> => (await api.events("POST", "/locations", aLocation(changes))).body.id as string;
  const newEvent = async (locationId: string, changes = {}): Promise<string> =>
    (await api.events("POST", "/events", anEvent(locationId, changes))).body.id as string;

  it("answers a new location with 201, its address and itself", async () => {
    const { status, headers, body } = await api.events("POST", "/locations", { ...aLocation(), unknown: "ignored" });
    expect(status).toBe(201);
    expect(headers.get("location")).toBe(`/locations/${body.id}`);
    expect(headers.get("content-type")).toBe("application/json");
    expect(body).toEqual({ id: expect.stringMatching(/^[0-9a-f-]{36}$/), ...aLocation() });
    expect((await api.events("GET", `/locations/${body.id}`)).body).toEqual(body);
  });

  it("answers a new event with dates in UTC", async () => {
    const locationId = await newLocation();
    const { status, headers, body } = await api.events("POST", "/events", anEvent(locationId, { hall: "Loft" }));
    expect(status).toBe(201);
    expect(headers.get("location")).toBe(`/events/${body.id}`);
    expect(body).toEqual({
      id: body.id,
      name: "Opera",
      locationId,
      hall: "Loft",
      startDate: "2027-01-01T19:00:00.000Z",
      endDate: "2027-01-01T21:30:00.000Z",
    });
    expect((await api.events("GET", `/events/${body.id}`)).body).toEqual(body);
  });

  it("lists in order of creation, as bare arrays, also after changes", async () => {
    const ids = [await newLocation({ name: "a" }), await newLocation({ name: "b" }), await newLocation({ name: "c" })];
    await api.events("PUT", `/locations/${ids[0]}`, aLocation({ name: "z" }));
    const events = [await newEvent(ids[2] as string), await newEvent(ids[0] as string)];
    await api.events("PUT", `/events/${events[0]}`, anEvent(ids[1] as string));
    expect((await api.events("GET", "/locations")).body.map(({ name }: { name: string }) => name)).toEqual(["z", "b", "c"]);
    expect((await api.events("GET", "/events")).body.map(({ id }: { id: string }) => id)).toEqual(events);
  });

  it("replaces with PUT: 200 and the whole new object", async () => {
    const id = await newLocation();
    const next = aLocation({ name: "New Mill", halls: [] });
    expect(await api.events("PUT", `/locations/${id}`, next)).toMatchObject({ status: 200, body: { id, ...next } });
    const event = await newEvent(await newLocation(), { hall: "Loft" });
    const { status, body } = await api.events("PUT", `/events/${event}`, anEvent(id));
    expect(status).toBe(200);
    expect(body).not.toHaveProperty("hall");
  });

  it("removes with DELETE: 204, then 404", async () => {
    const id = await newLocation();
    const event = await newEvent(id);
    expect(await api.events("DELETE", `/events/${event}`)).toMatchObject({ status: 204, body: undefined });
    expect(await api.events("DELETE", `/locations/${id}`)).toMatchObject({ status: 204, body: undefined });
    for (const path of [`/events/${event}`, `/locations/${id}`]) {
      expect((await api.events("GET", path)).status).toBe(404);
      expect((await api.events("DELETE", path)).status).toBe(404);
    }
    expect((await api.events("GET", "/locations")).body).toEqual([]);
  });

  it("keeps a location that has events: 409 in_use", async () => {
    const id = await newLocation();
    await newEvent(id);
    const { status, headers, body } = await api.events("DELETE", `/locations/${id}`);
    expect(status).toBe(409);
    expect(headers.get("content-type")).toBe("application/problem+json");
    expect(body).toMatchObject({ type: "about:blank", title: "Conflict", status: 409, code: "in_use" });
  });

  it.each(["/locations/nonsense", `/locations/${NOBODY}`, "/events/nonsense", `/events/${NOBODY}`, "/nowhere", "/", "/locations/", "/locations/%zz"])(
    "answers 404 not_found for %s",
    async (path) => {
      const { status, headers, body } = await api.events("GET", path);
      expect([status, headers.get("content-type"), body.code, body.status]).toEqual([404, "application/problem+json", "not_found", 404]);
    },
  );

  it("answers 404 for a change of what is not there, whatever the body", async () => {
    expect((await api.events("PUT", `/locations/${NOBODY}`, aLocation())).body.code).toBe("not_found");
    expect((await api.events("PUT", "/events/nonsense", {})).body.code).toBe("not_found");
  });

  it.each([
    ["PATCH", "/locations", "GET, POST"],
    ["DELETE", "/events", "GET, POST"],
    ["POST", `/locations/${NOBODY}`, "GET, PUT, DELETE"],
  ])("answers 405 for %s %s and says what is possible", async (method, path, allow) => {
    const { status, headers, body } = await api.events(method, path);
    expect([status, headers.get("allow"), body.code]).toEqual([405, allow, "method_not_allowed"]);
  });

  it("answers HEAD as GET without a body", async () => {
    const response = await fetch(`${api.eventsUrl}/locations`, { method: "HEAD" });
    expect([response.status, response.headers.get("content-length"), await response.text()]).toEqual([200, "2", ""]);
  });

  it.each(["{", "", '{"name": }', Uint8Array.of(0x22, 0xff, 0x22)])("answers 400 malformed for a body that is not JSON", async (body) => {
    const answer = await api.events("POST", "/locations", body, { "content-type": "application/json" });
    expect([answer.status, answer.body.code]).toEqual([400, "malformed"]);
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "application/jsonx"])("answers 415 for %s", async (type) => {
    const { status, body } = await api.events("POST", "/locations", JSON.stringify(aLocation()), { "content-type": type });
    expect([status, body.code]).toEqual([415, "unsupported_media_type"]);
  });

  it.each(["application/json; charset=UTF-8", "Application/JSON", "application/merge-patch+json"])("takes %s", async (type) => {
    expect((await api.events("POST", "/locations", JSON.stringify(aLocation()), { "content-type": type })).status).toBe(201);
  });

  it("answers 413 over 1 MiB, and takes exactly 1 MiB", async () => {
    const padded = (bytes: number): string => {
      const bare = JSON.stringify(aLocation({ padding: "" }));
      return JSON.stringify(aLocation({ padding: "x".repeat(bytes - bare.length) }));
    };
    expect((await api.events("POST", "/locations", padded(1_048_576))).status).toBe(201);
    const { status, body } = await api.events("POST", "/locations", padded(1_048_577));
    expect([status, body.code]).toEqual([413, "too_large"]);
    expect((await api.events("POST", "/locations", padded(5_000_000))).status).toBe(413);
  });

  it.each([
    [{ name: undefined }, ["/name"]],
    [{ name: "" }, ["/name"]],
    [{ address: 7 }, ["/address"]],
    [{ country: null }, ["/country"]],
    [{ openTime: 24.5 }, ["/openTime"]],
    [{ openTime: -1, closeTime: 25 }, ["/openTime", "/closeTime"]],
    [{ closeTime: "10" }, ["/closeTime"]],
    [{ halls: undefined }, ["/halls"]],
    [{ halls: {} }, ["/halls"]],
    [{ halls: [hall(-5)] }, ["/halls/0/capacity"]],
    [{ halls: [hall(1), { name: "Loft", location: 3, capacity: 1.5 }] }, ["/halls/1/location", "/halls/1/capacity"]],
    [{ halls: [hall(1), hall(2)] }, ["/halls/1/name"]],
  ])("answers 422 for a location with %j, pointing at the fields", async (changes, pointers) => {
    const { status, body } = await api.events("POST", "/locations", aLocation(changes));
    expect([status, body.code]).toEqual([422, "invalid"]);
    expect(body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(pointers);
    expect(body.errors.every(({ detail }: { detail: unknown }) => typeof detail === "string" && detail !== "")).toBe(true);
  });

  it.each(["[]", "null", '"text"', "7"])("answers 422 with a pointer to the whole body for %s", async (text) => {
    const { status, body } = await api.events("POST", "/locations", text);
    expect([status, body.code, body.errors[0].pointer]).toEqual([422, "invalid", ""]);
  });

  it.each([
    [{ name: "" }, ["/name"]],
    [{ locationId: undefined }, ["/locationId"]],
    [{ locationId: NOBODY }, ["/locationId"]],
    [{ locationId: "nonsense" }, ["/locationId"]],
    [{ hall: "Cellar" }, ["/hall"]],
    [{ startDate: "2027-01-01T20:00:00" }, ["/startDate"]],
    [{ startDate: "2027-02-30T20:00:00Z" }, ["/startDate"]],
    [{ startDate: "tomorrow", endDate: 1 }, ["/startDate", "/endDate"]],
    [{ endDate: "2026-12-31T00:00:00Z" }, ["/endDate"]],
  ])("answers 422 for an event with %j, pointing at the fields", async (changes, pointers) => {
    const { status, body } = await api.events("POST", "/events", anEvent(await newLocation(), changes));
    expect([status, body.code]).toEqual([422, "invalid"]);
    expect(body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(pointers);
  });

  it("survives a body that is nested without end", async () => {
    const deep = "[".repeat(400_000) + "]".repeat(400_000);
    expect((await api.events("POST", "/locations", deep, { "idempotency-key": "deep" })).status).toBe(422);
    expect((await api.events("POST", "/locations", `{"x":${deep}}`, { "idempotency-key": "deep" })).status).toBe(422);
  });

  describe("with Idempotency-Key", () => {
    const key = { "idempotency-key": "k-1" };

    it("does a POST once and gives the same answer again", async () => {
      const first = await api.events("POST", "/locations", aLocation(), key);
      const again = await api.events("POST", "/locations", JSON.stringify({ ...aLocation(), unknown: 1 }, null, 2), key);
      expect(again.status).toBe(201);
      expect(again.body).toEqual(first.body);
      expect(again.headers.get("location")).toBe(first.headers.get("location"));
      expect(again.headers.get("idempotency-replayed")).toBe("true");
      expect((await api.events("GET", "/locations")).body).toHaveLength(1);
    });

    it("answers 422 idempotency_mismatch for another body, valid or not", async () => {
      await api.events("POST", "/locations", aLocation(), key);
      for (const body of [aLocation({ name: "Other" }), {}]) {
        const answer = await api.events("POST", "/locations", body, key);
        expect([answer.status, answer.body.code]).toEqual([422, "idempotency_mismatch"]);
      }
    });

    it("keeps keys apart by route", async () => {
      const { body } = await api.events("POST", "/locations", aLocation(), key);
      expect((await api.events("POST", "/events", anEvent(body.id), key)).status).toBe(201);
    });

    it("does not hold a refused request against its key", async () => {
      expect((await api.events("POST", "/locations", aLocation({ name: "" }), key)).status).toBe(422);
      expect((await api.events("POST", "/locations", aLocation(), key)).status).toBe(201);
    });

    it("forgets after 24 hours", async () => {
      const first = await api.events("POST", "/locations", aLocation(), key);
      api.clock.now += 24 * 3_600_000 - 1;
      expect((await api.events("POST", "/locations", aLocation(), key)).body.id).toBe(first.body.id);
      api.clock.now += 1;
      expect((await api.events("POST", "/locations", aLocation({ name: "Other" }), key)).status).toBe(201);
    });

    it("does one of many requests that come at once", async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => api.events("POST", "/locations", aLocation(), key)));
      expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
      expect((await api.events("GET", "/locations")).body).toHaveLength(1);
    });

    it("refuses a key that is empty or too long", async () => {
      expect((await api.events("POST", "/locations", aLocation(), { "idempotency-key": "k".repeat(256) })).body.code).toBe("malformed");
    });
  });

  describe("with ?at=", () => {
    it("answers as of the moment, inclusive", async () => {
      const times: string[] = [];
      const tick = (): void => {
        times.push(new Date(api.clock.now).toISOString());
        api.clock.now += 60_000;
      };
      const location = await newLocation({ name: "first" });
      tick();
      const event = await newEvent(location);
      tick();
      await api.events("PUT", `/locations/${location}`, aLocation({ name: "second" }));
      tick();
      await api.events("DELETE", `/events/${event}`);
      tick();
      const names = await Promise.all(times.map(async (at) => (await api.events("GET", `/locations?at=${at}`)).body[0].name));
      expect(names).toEqual(["first", "first", "second", "second"]);
      const statuses = await Promise.all(times.map(async (at) => (await api.events("GET", `/events/${event}?at=${at}`)).status));
      expect(statuses).toEqual([404, 200, 200, 404]);
      const before = new Date(Date.parse(times[0] as string) - 1).toISOString();
      expect((await api.events("GET", `/locations?at=${before}`)).body).toEqual([]);
      expect((await api.events("GET", `/locations/${location}?at=${before}`)).status).toBe(404);
      expect((await api.events("GET", "/locations?at=9000-01-01T00:00:00Z")).body[0].name).toBe("second");
    });

    it("takes an offset, with its plus escaped or not", async () => {
      await newLocation();
      const at = new Date(api.clock.now + 3_600_000).toISOString().replace("Z", "+01:00");
      expect((await api.events("GET", `/locations?at=${at}`)).body).toHaveLength(1);
      expect((await api.events("GET", `/locations?at=${encodeURIComponent(at)}`)).body).toHaveLength(1);
    });

    it.each(["", "now", "2026-11-20", "2026-11-20T10:00:00", "2026-13-01T00:00:00Z", "%zz", "2026-11-20T10:00:00Z&at=2026-11-20T10:00:00Z"])(
      "answers 400 malformed for at=%s",
      async (at) => {
        const { status, body } = await api.events("GET", `/locations?at=${at}`);
        expect([status, body.code]).toEqual([400, "malformed"]);
      },
    );
  });
});
