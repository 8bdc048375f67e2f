import { existsSync } from "node:fs";
import { Message, OptionError } from "millrace";
import { describe, expect, it } from "vitest";
import { readSome } from "../../../test/read-some.ts";
import { until } from "../../../test/until.ts";
import { fromUrl } from "./from-url.ts";
import { openDatabase } from "./sqlite/driver.ts";
import { temporaryFile } from "./testing/temporary-file.ts";

describe("fromUrl", () => {
  it("opens the file that the URL names, when it is first needed", async () => {
    const file = temporaryFile();
    for (const url of [`sqlite:${file.path}`, `sqlite://${file.path}?synchronous=normal`]) {
      const before = existsSync(file.path);
      const pubsub = fromUrl(url);
      expect(existsSync(file.path)).toBe(before);
      await pubsub.publish("t", new Message(url));
      expect(existsSync(file.path)).toBe(true);
      await pubsub.close();
    }
    file.remove();
  });

  it("deletes what is consumed where the URL asks for it", async () => {
    const file = temporaryFile();
    const pubsub = fromUrl(`sqlite:${file.path}?retention=consumed`);
    await pubsub.publish("t", new Message("x"));
    const subscription = await pubsub.subscribe("t", { group: "g" });
    await readSome(subscription, 1);
    await subscription.flush();
    const database = openDatabase(file.path);
    await until(() => (database.prepare("SELECT count(*) AS n FROM watermill_t").get() as { n: number }).n === 0, "it is deleted");
    database.close();
    await pubsub.close();
    file.remove();
  });

  it("keeps everything in memory for sqlite::memory:", async () => {
    const pubsub = fromUrl("sqlite::memory:");
    await pubsub.publish("t", new Message("x"));
    expect(await readSome(await pubsub.subscribe("t", { group: "g" }), 1)).toHaveLength(1);
    await pubsub.close();
  });

  it("refuses what it does not know with an OptionError", () => {
    for (const url of ["postgres://x", "sqlite:", "sqlite:a.db?cache=shared", "sqlite:a.db?synchronous=maybe", "sqlite:a.db?retention=all"])
      expect(() => fromUrl(url)).toThrow(OptionError);
  });
});
