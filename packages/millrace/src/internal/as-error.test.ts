import { expect, it } from "vitest";
import { asError, CANNOT_BE_SHOWN } from "./as-error.ts";

it("tells of anything that was thrown, of an object without a text of its own what it holds", () => {
  const error = new RangeError("r");
  expect(asError(error)).toBe(error);
  expect(["no luck", 5, undefined, null].map((thrown) => asError(thrown).message)).toEqual(["no luck", "5", "undefined", "null"]);
  expect(asError({ status: 503, body: "later" }).message).toBe('{"status":503,"body":"later"}');
  expect(asError({ text: "x".repeat(5_000) }).message).toHaveLength(1_000);
  const round: { self?: object } = {};
  round.self = round;
  expect([asError(round).message, asError(Object.create(null)).message]).toEqual([CANNOT_BE_SHOWN, CANNOT_BE_SHOWN]);
});
