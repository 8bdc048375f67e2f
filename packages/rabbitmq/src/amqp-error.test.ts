import { MillraceError } from "millrace";
import { describe, expect, it } from "vitest";
import { amqpError, healing } from "./amqp-error.ts";

const withCode = (text: string, code: unknown): Error => Object.assign(new Error(text), { code });

describe("amqpError", () => {
  it.each([
    ["BROKER_UNREACHABLE", withCode("connect ECONNREFUSED 127.0.0.1:1", "ECONNREFUSED"), true],
    ["BROKER_UNREACHABLE", withCode("getaddrinfo ENOTFOUND nowhere", "ENOTFOUND"), true],
    ["BROKER_UNREACHABLE", new Error("connect ETIMEDOUT"), true],
    ["BROKER_UNREACHABLE", new Error("Socket closed abruptly during opening handshake"), true],
    ["AUTHENTICATION_FAILED", new Error("Handshake terminated by server: 403 (ACCESS-REFUSED) with message …"), false],
    ["ACCESS_DENIED", new Error("Expected ConnectionOpenOk; got <ConnectionClose channel:0>"), true],
    ["ACCESS_DENIED", withCode("Operation failed: QueueDeclare; 403 (ACCESS-REFUSED)", 403), false],
    ["TOPIC_MISSING", withCode("Channel closed by server: 404 (NOT-FOUND)", 404), false],
    ["TOPIC_MISMATCH", withCode("405 (RESOURCE-LOCKED)", 405), false],
    ["TOPIC_MISMATCH", withCode("406 (PRECONDITION-FAILED) inequivalent arg 'durable'", 406), false],
    ["MESSAGE_TOO_LARGE", withCode("PRECONDITION_FAILED - message size 2 is larger than configured max size 1", 406), false],
    ["CONSUMER_TIMEOUT", withCode("PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out", 406), true],
    ["CONNECTION_LOST", withCode("Connection closed: 320 (CONNECTION-FORCED)", 320), true],
    ["CONNECTION_LOST", withCode("read ECONNRESET", "ECONNRESET"), true],
    ["CONNECTION_LOST", "no error at all", true],
  ])("says %s", (code, cause, retryable) => {
    const error = amqpError(cause, "connecting");
    expect(error).toMatchObject({ code, retryable, cause });
  });

  it("says what is wrong with a virtual host, of which the answer tells nothing", () => {
    const { message } = amqpError(new Error("Expected ConnectionOpenOk; got <ConnectionClose channel:0>"), "connecting");
    expect(message).toMatch(/^connecting: the virtual host cannot be opened: it is not there, or not for this user \(/);
  });

  it("leaves an error of ours as it is", () => {
    const error = new MillraceError("closed", { code: "CLOSED" });
    expect(amqpError(error, "connecting")).toBe(error);
  });

  it("makes an error worth another try where a subscription is to heal", () => {
    expect(healing(withCode("404 (NOT-FOUND)", 404))).toMatchObject({ code: "TOPIC_MISSING", retryable: true });
  });
});
