import { readFileSync } from "node:fs";
import { OptionError } from "millrace";
import { z } from "zod";

const port = z.int().min(0).max(65_535);

/** The seed's `ServiceConfig` as JSON, with the keys that two services and a page need beside it. */
export interface ConfigFile {
  /** Where a service that is started alone listens: `localhost:8181`. */
  readonly restfulapi_endpoint?: string | undefined;
  readonly databasetype?: "sqlite" | undefined;
  /** The database file of a service that is started alone. */
  readonly dbconnection?: string | undefined;
  readonly amqp_message_broker?: string | undefined;
  readonly kafka_message_brokers?: readonly string[] | undefined;
  readonly broker_url?: string | undefined;
  readonly data_dir?: string | undefined;
  readonly host?: string | undefined;
  readonly events_port?: number | undefined;
  readonly bookings_port?: number | undefined;
  readonly page_port?: number | undefined;
}

const text = z.string().min(1);
const schema: z.ZodType<ConfigFile> = z.object({
  restfulapi_endpoint: z
    .string()
    .regex(/^.*:\d{1,5}$/, "must be host:port")
    .optional(),
  databasetype: z.literal("sqlite").optional(),
  dbconnection: text.optional(),
  amqp_message_broker: text.optional(),
  kafka_message_brokers: z.array(text).min(1).optional(),
  broker_url: text.optional(),
  data_dir: text.optional(),
  host: text.optional(),
  events_port: port.optional(),
  bookings_port: port.optional(),
  page_port: port.optional(),
});

/** Reads a configuration file. Throws an `OptionError` (`BAD_OPTION`) that lists everything wrong with it. */
export function readConfigFile(path: string): ConfigFile {
  const subject = `configuration file ${path}`;
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new OptionError(subject, [(cause as Error).message], { cause });
  }
  const value = parsed(subject, text);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new OptionError(
    subject,
    result.error.issues.map((issue) => `${issue.path.join(".") || "the file"}: ${issue.message}`),
  );
}

/** The parser's own error shows what stands around the place: there may be a password. */
function parsed(subject: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const place = / at position (\d+)/.exec((error as Error).message)?.[1];
    const line = place === undefined ? undefined : text.slice(0, Number(place)).split("\n").length;
    throw new OptionError(subject, [`it is not JSON${line === undefined ? "" : `: look at line ${line}`}`]);
  }
}
