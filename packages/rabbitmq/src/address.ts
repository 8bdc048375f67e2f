import type { Options } from "amqplib";

const PORTS = { "amqp:": 5672, "amqps:": 5671 } as const;

/** What a URL says about where to connect; or, as a text, what is wrong with it. Never repeats the URL: it may hold a password. */
export function parseAddress(url: unknown): Options.Connect | string {
  if (typeof url !== "string" || !URL.canParse(url)) return "url must be a URL such as amqp://user:password@host:5672/vhost";
  const { protocol, hostname, port, username, password, pathname } = new URL(url);
  if (protocol !== "amqp:" && protocol !== "amqps:") return `url must begin with amqp: or amqps:, got ${protocol}`;
  if (hostname === "") return "url names no host";
  const anonymous = username === "" && password === "";
  return {
    protocol: protocol.slice(0, -1),
    hostname: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? PORTS[protocol] : Number(port),
    username: anonymous ? "guest" : decodeURIComponent(username),
    password: anonymous ? "guest" : decodeURIComponent(password),
    // amqplib decodes this one itself.
    vhost: pathname.length > 1 ? pathname.slice(1) : "/",
  };
}
