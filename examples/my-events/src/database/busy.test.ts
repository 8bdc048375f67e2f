import { describe, expect, it } from "vitest";
import { DatabaseBusyError, isBusy, untilFree } from "./busy.ts";

const sqliteError = (errcode: number): Error => Object.assign(new Error("from SQLite"), { errcode });

describe("untilFree", () => {
  it("tries again until the database is free", async () => {
    let tries = 0;
    const result = await untilFree(() => {
      if (++tries < 5) throw sqliteError(5);
      return "done";
    });
    expect([result, tries]).toEqual(["done", 5]);
  });

  it("gives up after its patience, with the driver's error as the cause", async () => {
    const busy = sqliteError(261);
    const failing = untilFree(() => {
      throw busy;
    }, 20);
    await expect(failing).rejects.toBeInstanceOf(DatabaseBusyError);
    await expect(failing).rejects.toMatchObject({ cause: busy });
  });

  it("passes every other error on at once", async () => {
    const full = sqliteError(13);
    await expect(
      untilFree(() => {
        throw full;
      }),
    ).rejects.toBe(full);
  });

  it("knows a busy database also as the cause of another error", () => {
    expect(isBusy(new Error("wrapped", { cause: sqliteError(5) }))).toBe(true);
    expect(isBusy(new Error("plain"))).toBe(false);
  });
});
