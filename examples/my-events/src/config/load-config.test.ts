import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadConfig } from "./load-config.ts";

describe("loadConfig", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "my-events-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const file = (content: unknown): string => {
    const path = join(folder, "config.json");
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
    return path;
  };

  it("has a default for everything: loopback, the known ports, SQLite in data", () => {
    expect(loadConfig({ env: {} })).toEqual({
      host: "127.0.0.1",
      ports: { events: 8181, bookings: 8282, page: 8383 },
      dataDir: "data",
      databases: { events: join("data", "events.db"), bookings: join("data", "bookings.db") },
      brokerUrl: `sqlite:${join("data", "broker.db")}`,
      serviceUrls: { events: "http://127.0.0.1:8181", bookings: "http://127.0.0.1:8282" },
    });
  });

  it("takes the file, and the environment over it", () => {
    const path = file({ events_port: 1, bookings_port: 2, page_port: 3, data_dir: "there", host: "::1", broker_url: "memory:", tls: "ignored" });
    expect(loadConfig({ file: path, env: {} })).toMatchObject({
      ports: { events: 1, bookings: 2, page: 3 },
      dataDir: "there",
      host: "::1",
      brokerUrl: "memory:",
    });
    const env = { EVENTS_PORT: "11", BOOKINGS_PORT: "12", PAGE_PORT: "", DATA_DIR: "here", LISTEN_HOST: "0.0.0.0", BROKER_URL: "sqlite:x.db" };
    expect(loadConfig({ file: path, env })).toMatchObject({
      ports: { events: 11, bookings: 12, page: 3 },
      dataDir: "here",
      host: "0.0.0.0",
      brokerUrl: "sqlite:x.db",
    });
  });

  it("says where a file is not JSON, and shows nothing of it", () => {
    const path = file('{\n  "amqp_message_broker": "amqp://user:Geheim@host"\n  "host": "Geheim"}');
    const load = (): unknown => loadConfig({ file: path, env: {} });
    expect(load).toThrow(/it is not JSON: look at line 3/);
    expect(load).not.toThrow(/Geheim/);
  });

  it("lets the page look for the services where they listen, unless told otherwise", () => {
    const urlsOn = (host: string) => loadConfig({ env: { LISTEN_HOST: host, EVENTS_URL: "http://events.example" } }).serviceUrls;
    expect(urlsOn("::1")).toEqual({ events: "http://events.example", bookings: "http://[::1]:8282" });
    expect(urlsOn("192.0.2.7").bookings).toBe("http://192.0.2.7:8282");
    expect(urlsOn("0.0.0.0").bookings).toBe("http://127.0.0.1:8282");
  });

  it("reads the seed's own file for a service that is started alone", () => {
    const path = file({
      restfulapi_endpoint: "localhost:9181",
      databasetype: "sqlite",
      dbconnection: "mine.db",
      amqp_message_broker: "amqp://guest@rabbit:5672",
    });
    const config = loadConfig({ file: path, env: {}, alone: "events" });
    expect(config).toMatchObject({ host: "127.0.0.1", ports: { events: 9181 }, databases: { events: "mine.db" }, brokerUrl: "amqp://guest@rabbit:5672" });
    expect(() => loadConfig({ file: path, env: {} })).toThrow(/restfulapi_endpoint belongs to one service.*dbconnection belongs to one service/);
  });

  it.each([
    [{ BROKER_URL: "a:", AMQP_URL: "b:", KAFKA_BROKERS: "c" }, "a:"],
    [{ AMQP_URL: "amqp://x", KAFKA_BROKERS: "c" }, "amqp://x"],
    [{ KAFKA_BROKERS: "k1:9092,k2:9092" }, "kafka://k1:9092,k2:9092"],
    [{}, "amqp://file"],
  ])("chooses the broker of %j", (env, expected) => {
    expect(loadConfig({ file: file({ amqp_message_broker: "amqp://file", kafka_message_brokers: ["k:1"] }), env }).brokerUrl).toBe(expected);
  });

  it("lists everything that is wrong", () => {
    expect(() => loadConfig({ env: { EVENTS_PORT: "eighty", PAGE_PORT: "70000" } })).toThrow(/EVENTS_PORT.*PAGE_PORT/);
    expect(() => loadConfig({ file: file({ events_port: -1, databasetype: "mongodb" }), env: {} })).toThrow(/databasetype.*events_port/);
    expect(() => loadConfig({ file: file("{"), env: {} })).toThrow("config.json");
    expect(() => loadConfig({ file: join(folder, "nowhere.json"), env: {} })).toThrow("no such file");
  });
});
