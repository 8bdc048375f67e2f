import { describe, expect, it } from "vitest";
import { HeaderNames } from "./header-names.ts";

describe("HeaderNames", () => {
  it("reads names of the same length one after the other, again and again", () => {
    const names = new HeaderNames();
    const data = Buffer.from("tracespan_trace");
    const read = (): readonly string[] => [names.read(data, 0, 5), names.read(data, 5, 10), names.read(data, 10, 15), names.read(data, 0, 5)];
    expect([read(), read()]).toEqual([
      ["trace", "span_", "trace", "trace"],
      ["trace", "span_", "trace", "trace"],
    ]);
  });

  it("remembers nothing that changes when the bytes it was read from are written over", () => {
    const names = new HeaderNames();
    const data = Buffer.from("trace");
    names.read(data, 0, 5);
    data.write("other");
    expect([names.read(data, 0, 5), names.read(Buffer.from("trace"), 0, 5)]).toEqual(["other", "trace"]);
  });

  it("reads names that are empty, long, or not ASCII", () => {
    const names = new HeaderNames();
    const long = "n".repeat(70);
    for (const name of ["", long, "grüße-✓", long, "grüße-✓"]) {
      const data = Buffer.from(`..${name}`);
      expect(names.read(data, 2, data.length)).toBe(name);
    }
  });
});
