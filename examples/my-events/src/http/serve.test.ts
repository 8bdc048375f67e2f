import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { DatabaseBusyError } from "../database/busy.ts";
import { json } from "./reply.ts";
import type { Route } from "./route.ts";
import { type Serving, serve } from "./serve.ts";

describe("serve", () => {
  let serving: Serving | undefined;
  afterEach(() => serving?.close());

  const at = async (respond: Route["respond"], onError?: (error: unknown) => void): Promise<Response> => {
    serving = await serve([{ method: "GET", path: "/", respond }], { host: "127.0.0.1", port: 0, onError });
    return fetch(`http://127.0.0.1:${serving.port}/`);
  };

  it("answers 500 internal for what it did not expect, says nothing of it to the client, and reports it", async () => {
    const reported: unknown[] = [];
    const mistake = new Error("secret");
    const response = await at(
      () => {
        throw mistake;
      },
      (error) => reported.push(error),
    );
    const text = await response.text();
    expect([response.status, JSON.parse(text).code]).toEqual([500, "internal"]);
    expect(text).not.toContain("secret");
    expect(reported).toEqual([mistake]);
  });

  it("answers 503 unavailable, to be tried again, when the database stayed busy", async () => {
    const response = await at(() => Promise.reject(new DatabaseBusyError("busy")));
    expect([response.status, response.headers.get("retry-after"), ((await response.json()) as { code: string }).code]).toEqual([503, "1", "unavailable"]);
  });

  it("answers 400 malformed for what is not HTTP", async () => {
    await at(() => json(200, {}));
    const socket = connect((serving as Serving).port, "127.0.0.1");
    socket.end("nonsense\r\n\r\n");
    const [answer] = (await once(socket.setEncoding("utf8"), "data")) as [string];
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*application\/problem\+json.*"code":"malformed"/s);
  });

  it("lets a request under way end when it closes", async () => {
    let closing: Promise<void> | undefined;
    const response = await at(async () => {
      closing = serving?.close();
      await sleep(50);
      return json(200, "done");
    });
    expect(await response.json()).toBe("done");
    await closing;
  });
});
