import { describe, expect, it } from "vitest";
import { OptionError } from "../errors/index.ts";
import { delimited, type FramedRecord, type Framing, lengthPrefixed, lines } from "./index.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (record: FramedRecord | undefined): string | undefined => (record === undefined ? undefined : Buffer.from(record.payload).toString());

/** Cuts `input` up, given in chunks of `size` bytes. */
function split(framing: Framing, input: Uint8Array, size: number, maxRecordBytes = 1_000_000): FramedRecord[] {
  const splitter = framing.splitter({ offset: 0, maxRecordBytes });
  const records: FramedRecord[] = [];
  const drain = (): void => {
    for (let record = splitter.next(); record !== undefined; record = splitter.next()) records.push(record);
  };
  for (let from = 0; from < input.length; from += size) {
    splitter.push(input.slice(from, from + size));
    drain();
  }
  const rest = splitter.rest();
  return rest === undefined ? records : [...records, rest];
}

describe("lines", () => {
  it("cuts at line breaks however the bytes come, and takes the last line without one", () => {
    for (const size of [1, 2, 3, 7, 100]) {
      const records = split(lines(), bytes("one\n\nzwölf\r\nlast"), size);
      expect(records.map(text)).toEqual(["one", "", "zwölf\r", "last"]);
      expect(records.map(({ start }) => start)).toEqual([0, 4, 5, 13]);
    }
  });

  it("takes CR LF for a line break when told to", () => {
    expect(split(lines({ crlf: true }), bytes("a\r\nb\nc\rd\r\n"), 2).map(text)).toEqual(["a", "b", "c\rd"]);
    expect(Buffer.from(lines({ crlf: true }).frame(bytes("a"))).toString()).toBe("a\r\n");
  });

  it("takes lines far beyond 4096 bytes, whole", () => {
    const long = "x".repeat(300_000);
    expect(split(lines(), bytes(`${long}\nshort\n${long}`), 1000).map(text)).toEqual([long, "short", long]);
  });

  it("steps over a line that is longer than the bound, and goes on behind it", () => {
    for (const size of [1, 5, 1000]) {
      const records = split(lines(), bytes(`ok\n${"x".repeat(50)}\nfine\n${"y".repeat(20)}`), size, 10);
      expect(records.map((record) => record.problem ?? text(record))).toEqual([
        "ok",
        "the record is longer than 10 bytes",
        "fine",
        "the record is longer than 10 bytes",
      ]);
      expect(records.map(({ start }) => start)).toEqual([0, 3, 54, 59]);
    }
  });

  it.each([
    ["LF", lines(), "\n"],
    ["CR LF", lines({ crlf: true }), "\r\n"],
    ["a delimiter of two bytes", delimited("\r\n"), "\r\n"],
    ["a delimiter of five bytes", delimited("--end"), "--end"],
  ])("takes a record of just the bound, and none longer, however its end is cut: %s", (_, framing, end) => {
    const input = `${"x".repeat(10)}${end}${"y".repeat(11)}${end}${"z".repeat(10)}${end}${"r".repeat(11)}`;
    const tooLong = "the record is longer than 10 bytes";
    for (let size = 1; size <= input.length; size++) {
      const records = split(framing, bytes(input), size, 10);
      expect(records.map((record) => record.problem ?? text(record))).toEqual(["x".repeat(10), tooLong, "z".repeat(10), tooLong]);
      expect(records.map(({ start }) => start)).toEqual([0, 10 + end.length, 21 + 2 * end.length, 31 + 3 * end.length]);
    }
  });

  it("never writes over what it has given out", () => {
    const splitter = lines().splitter({ offset: 0, maxRecordBytes: 100 });
    const given: FramedRecord[] = [];
    for (let number = 0; number < 5000; number++) {
      splitter.push(bytes(`rec`));
      splitter.push(bytes(`ord ${number}\nre`));
      splitter.push(bytes(`st\n`));
      for (let record = splitter.next(); record !== undefined; record = splitter.next()) given.push(record);
    }
    expect(given.filter((_, index) => index % 2 === 0).map(text)).toEqual(Array.from({ length: 5000 }, (_, number) => `record ${number}`));
  });

  it("refuses to write a record that would be read back as several", () => {
    expect(() => lines().frame(bytes("a\nb"))).toThrow(TypeError);
    expect(() => delimited("\r\n\r\n").frame(bytes("a\r\n"))).toThrow(TypeError);
    expect(Buffer.from(lines().frame(bytes("a\rb"))).toString()).toBe("a\rb\n");
  });
});

describe("delimited", () => {
  it("finds a delimiter that lies across chunks", () => {
    for (const size of [1, 2, 3, 4, 50]) expect(split(delimited("--=="), bytes("a--=-=--==b----==--=="), size).map(text)).toEqual(["a--=-=", "b--", ""]);
    expect(split(delimited(new Uint8Array([0])), bytes("a\0b\0"), 1).map(text)).toEqual(["a", "b"]);
  });

  it("needs a delimiter", () => {
    expect(() => delimited("")).toThrow(OptionError);
    expect(() => delimited(7 as never)).toThrow(OptionError);
  });
});

describe("lengthPrefixed", () => {
  it("brings any bytes back, in every size and byte order", () => {
    const records = [bytes("a\nb"), new Uint8Array(0), Uint8Array.from({ length: 200 }, (_, index) => index)];
    for (const size of [1, 2, 4] as const) {
      for (const littleEndian of [false, true]) {
        const framing = lengthPrefixed({ bytes: size, littleEndian });
        const input = Buffer.concat(records.map((record) => framing.frame(record)));
        for (const chunk of [1, 3, 64, 1000]) expect(split(framing, input, chunk).map(({ payload }) => payload)).toEqual(records);
      }
    }
    expect([...lengthPrefixed().frame(bytes("ab"))]).toEqual([0, 0, 0, 2, 97, 98]);
  });

  it("steps over what is too long, and says when the input ends within a record", () => {
    const framing = lengthPrefixed();
    const input = Buffer.concat([framing.frame(bytes("ok")), framing.frame(new Uint8Array(500)), framing.frame(bytes("fine")), Buffer.from([0, 0, 0, 9, 1])]);
    for (const chunk of [1, 64, 1000]) {
      expect(split(framing, input, chunk, 100).map((record) => record.problem ?? text(record))).toEqual([
        "ok",
        "the record says it has 500 bytes, more than 100",
        "fine",
        "the input ended within a record",
      ]);
    }
  });

  it("refuses a record that its length cannot tell", () => {
    expect(() => lengthPrefixed({ bytes: 1 }).frame(new Uint8Array(256))).toThrow(RangeError);
    expect(() => lengthPrefixed({ bytes: 3 as never })).toThrow(OptionError);
  });
});
