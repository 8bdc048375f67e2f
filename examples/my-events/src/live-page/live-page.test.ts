import { MemoryPubSub, Message, silentLogger } from "millrace";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadConfig } from "../config/index.ts";
import { Rate } from "./rate.ts";
import { type RunningPage, startPage } from "./start-page.ts";

describe("live page", () => {
  let broker: MemoryPubSub;
  let page: RunningPage;
  beforeEach(async () => {
    broker = new MemoryPubSub();
    const config = {
      ...loadConfig({ env: {} }),
      ports: { events: 0, bookings: 0, page: 0 },
      serviceUrls: { events: "http://127.0.0.1:1", bookings: "http://127.0.0.1:1" },
    };
    page = await startPage({ config, broker, logger: silentLogger });
  });
  afterEach(async () => {
    await page.close();
    await broker.close();
  });

  it("is one HTML page that asks nothing of anybody else", async () => {
    const response = await fetch(page.url);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    const html = await response.text();
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).not.toMatch(/https?:|src=|@import|url\(|innerHTML/);
  });

  it("streams the state and every message, and the last messages to those who come later", async () => {
    const response = await fetch(`${page.url}/stream`);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const reader = streamOf(response);
    const state = (await reader.next("state")) as { topics: { topic: string }[]; services: { status: string }[]; broker: string };
    expect(state.topics.map(({ topic }) => topic)).toContain("event.booked");
    expect(state.services.map(({ status }) => status)).toEqual(["down", "down"]);
    expect(state.broker).toBe("sqlite:");
    await broker.publish("event.booked", new Message('{"seats":2}', { id: "m-1" }));
    expect(await reader.next("message")).toMatchObject({ topic: "event.booked", id: "m-1", text: '{"seats":2}' });
    await reader.cancel();
    const later = streamOf(await fetch(`${page.url}/stream`));
    expect(await later.next("message")).toMatchObject({ id: "m-1" });
    await later.cancel();
  });

  it("shows no more than the beginning of a long payload, on one line of the stream", async () => {
    const reader = streamOf(await fetch(`${page.url}/stream`));
    await reader.next("state");
    await broker.publish("event.created", new Message(`line\n\ndata: forged\n${"x".repeat(10_000)}`, { id: "m-2" }));
    const { text } = (await reader.next("message")) as { text: string };
    expect(text.startsWith("line\n\ndata: forged\n")).toBe(true);
    expect(text.length).toBe(601);
    await reader.cancel();
  });
});

describe("Rate", () => {
  it("forgets what is older than ten seconds", () => {
    let now = 1_000_000;
    const rate = new Rate(() => now);
    rate.count(20);
    expect(rate.perSecond()).toBe(2);
    now += 9_000;
    rate.count(10);
    expect(rate.perSecond()).toBe(3);
    now += 1_000;
    expect(rate.perSecond()).toBe(1);
    now += 3_600_000;
    expect(rate.perSecond()).toBe(0);
    expect(rate.total).toBe(30);
  });
});

function streamOf(response: Response): { next(name: string): Promise<unknown>; cancel(): Promise<void> } {
  const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  return {
    async next(name) {
      for (;;) {
        const end = text.indexOf("\n\n");
        if (end < 0) {
          const { done, value } = await reader.read();
          if (done) throw new Error("the stream ended");
          text += value;
          continue;
        }
        const block = text.slice(0, end);
        text = text.slice(end + 2);
        const data = block.split("\n").find((line) => line.startsWith("data: "));
        if (block.startsWith(`event: ${name}\n`) && data !== undefined) return JSON.parse(data.slice(6));
      }
    },
    cancel: () => reader.cancel(),
  };
}
