import { describe, expect, it } from "vitest";
import { OptionError } from "../errors/index.ts";
import { type BrokerUrl, readBrokerUrl } from "./index.ts";

const RULES = { schemes: { kafka: 9092, amqps: 5671 }, parameters: ["tls", "name"], example: "kafka://host:9092" };
const read = (url: string): BrokerUrl => readBrokerUrl("Test", url, RULES);
const PRINTABLE = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));

function problem(url: unknown): string {
  try {
    readBrokerUrl("Test", url, RULES);
  } catch (error) {
    expect(error).toBeInstanceOf(OptionError);
    return (error as OptionError).message;
  }
  throw new Error("it was taken");
}

describe("the URL of a broker", () => {
  it("names hosts, ports, a user, a path and parameters", () => {
    expect(read("kafka://one:1,two,[::1]:3,[fe80::1]")).toMatchObject({
      scheme: "kafka",
      hosts: [
        { host: "one", port: 1 },
        { host: "two", port: 9092 },
        { host: "::1", port: 3 },
        { host: "fe80::1", port: 9092 },
      ],
      username: undefined,
      password: undefined,
      path: "",
    });
    const { scheme, hosts, username, password, path, parameters } = read("AMQPS://u:p@Host/a%2Fb?tls=true&name=a%20b+c");
    expect([scheme, hosts, username, password, path]).toEqual(["amqps", [{ host: "Host", port: 5671 }], "u", "p", "/a/b"]);
    expect([...parameters]).toEqual([
      ["tls", "true"],
      ["name", "a b c"],
    ]);
    expect([read("kafka://u@h").password, read("kafka://@h").username]).toEqual(["", undefined]);
  });

  it("has passwords of every printable character: as they are but for five, and escaped all of them", () => {
    for (const character of PRINTABLE) {
      const password = `a${character}b${character}`;
      expect(read(`kafka://user:${encodeURIComponent(password)}@h`).password).toBe(password);
      if (!"/?#".includes(character)) expect(read(`kafka://user:${password}@h`).password).toBe(password);
      else expect(problem(`kafka://user:${password}@h`)).toContain("%2F, %3F, %23");
    }
    const all = PRINTABLE.join("");
    expect(read(`kafka://${encodeURIComponent(all)}:${encodeURIComponent(all)}@h`)).toMatchObject({ username: all, password: all });
    expect(read("kafka://user:a:secret@h").password).toBe("a:secret");
    expect(read("kafka://user:100%@h").password).toBe("100%");
    expect(read("kafka://user:%zz%41%ff%c3%a9@h").password).toBe("%zzA%ff%c3%a9");
  });

  it("is refused without a word of it, whatever is wrong", () => {
    const secret = "Secret1";
    const wrong = [
      ...[`${secret}`, `http://${secret}@h`, `kafka://u:${secret}@`, `kafka://u:${secret}@h:0`, `kafka://u:${secret}@h:70000`, `kafka://u:${secret}@a,,b`],
      ...[`kafka://u:p/${secret}@h`, `kafka://u:9/${secret}@h`, `kafka://u:p?${secret}@h`, `kafka://u:p?${secret}&x@h`, `kafka://u:p#${secret}@h`],
      ...[`kafka://h:${secret}`, `kafka://h#${secret}`, `kafka:${secret}`, `kafka://h ${secret}`, `kafka://h?${secret}=x`],
    ];
    for (const url of wrong) expect(problem(url), url).not.toContain(secret);
    for (const url of [undefined, 7, "", {}]) expect(problem(url)).toContain("kafka://host:9092");
    expect(problem("kafka://h?tsl=true")).toContain("unknown parameter in url, did you mean tls?");
  });
});
