import type { Options } from "amqplib";
import { type BrokerUrlRules, parseBrokerUrl } from "millrace/adapter";

export const URL_RULES: BrokerUrlRules = { schemes: { amqp: 5672, amqps: 5671 }, example: "amqp://user:password@host:5672/vhost" };

/** What a URL says about where to connect; or, as a text, what is wrong with it. Never repeats the URL: it may hold a password. */
export function parseAddress(url: unknown): Options.Connect | string {
  const problems: string[] = [];
  const read = parseBrokerUrl(url, URL_RULES, problems);
  if (read === undefined) return problems.join("; ");
  const { scheme, hosts, username = "guest", password = "guest", path } = read;
  const [first] = hosts;
  if (first === undefined || hosts.length > 1) return "url names several hosts: give a list of URLs, one for each node";
  return {
    protocol: scheme,
    hostname: first.host,
    port: first.port,
    username,
    password,
    // amqplib decodes this one itself.
    vhost: path.length > 1 ? encodeURIComponent(path.slice(1)) : "/",
  };
}
