import { describe, expect, it } from "vitest";
import { field, sized } from "../testing/raw-message.ts";
import { readProperties, unreadError } from "./read-properties.ts";

const short = (text: string): Buffer => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
const ALL = 0xfffc;
const WHOLE = Buffer.concat([
  ...[u16(ALL), short("text/plain"), short("gzip"), sized(field("h", "t", Buffer.from([1]))), Buffer.from([2, 9])],
  ...[short("correlation"), short("reply"), short("60000"), short("id"), Buffer.from("000000006553f100", "hex")],
  ...[short("type"), short("user"), short("app"), short("cluster")],
]);

describe("the properties of a message", () => {
  it("are read as amqplib shows them, all of them or some", () => {
    expect(readProperties(WHOLE)).toEqual({
      ...{ contentType: "text/plain", contentEncoding: "gzip", headers: { h: true }, deliveryMode: 2, priority: 9 },
      ...{ correlationId: "correlation", replyTo: "reply", expiration: "60000", messageId: "id", timestamp: 1_700_000_000 },
      ...{ type: "type", userId: "user", appId: "app", clusterId: "cluster" },
    });
    const some = readProperties(Buffer.concat([u16(0x1000 | 0x0080), Buffer.from([1]), short("id")]));
    expect(Object.keys(some)).toHaveLength(14);
    expect(some).toMatchObject({ deliveryMode: 1, messageId: "id", contentType: undefined, headers: undefined });
  });

  it("keep their bytes where they cannot be read, at whatever byte they end, and say why", () => {
    expect(unreadError(undefined)).toBeUndefined();
    expect(unreadError({ h: true })).toBeUndefined();
    for (let length = 0; length < WHOLE.length; length++) {
      const bytes = WHOLE.subarray(0, length);
      const { headers } = readProperties(bytes) as { readonly headers: Record<string, unknown> };
      expect(Object.values(headers)).toEqual([bytes]);
      expect(unreadError(headers)).toMatchObject({ code: "UNDECODABLE" });
    }
  });

  it("beside headers that cannot be read are there all the same", () => {
    const bytes = Buffer.concat([u16(0x2000 | 0x0080), sized(field("h", "Q", Buffer.alloc(1))), short("id")]);
    const { headers, messageId } = readProperties(bytes) as { readonly headers: Record<string, unknown>; readonly messageId: unknown };
    expect(messageId).toBe("id");
    expect(unreadError(headers)?.message).toContain('type "Q"');
  });
});
