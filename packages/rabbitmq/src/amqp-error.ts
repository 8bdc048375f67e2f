import { MillraceError } from "millrace";
import { mismatchCure } from "./mismatch-cure.ts";

/** Numbers of AMQP's own replies. */
const REFUSED = 403;
const NOT_FOUND = 404;
const LOCKED = 405;
const PRECONDITION = 406;
const NOT_ALLOWED = 530;

/** An error of amqplib, of the socket or of the broker as a `MillraceError`; the original is its cause. */
export function amqpError(error: unknown, doing: string): MillraceError {
  if (MillraceError.is(error)) return error;
  const text = (error as Error | undefined)?.message ?? String(error);
  const make = (code: string, retryable: boolean): MillraceError => new MillraceError(`${doing}: ${text}`, { code, retryable, cause: error });
  const reply = replyCode(error, text);
  if (/^Handshake terminated/.test(text) && reply === REFUSED) return make("AUTHENTICATION_FAILED", false);
  // The answer to opening a virtual host, of which amqplib keeps no reason: it is not there, not ours, or not up yet.
  if (/^Expected ConnectionOpenOk; got <ConnectionClose/.test(text)) {
    const why = "the virtual host cannot be opened: it is not there, or not for this user";
    return new MillraceError(`${doing}: ${why} (${text})`, { code: "ACCESS_DENIED", retryable: true, cause: error });
  }
  switch (reply) {
    case REFUSED:
    case NOT_ALLOWED:
      return make("ACCESS_DENIED", false);
    case NOT_FOUND:
      return make("TOPIC_MISSING", false);
    case LOCKED:
      return make("TOPIC_MISMATCH", false);
    case PRECONDITION:
      if (/message size/.test(text)) return make("MESSAGE_TOO_LARGE", false);
      if (/acknowledgement .*timed out/.test(text)) return make("CONSUMER_TIMEOUT", true);
      return new MillraceError(`${doing}: ${text}${mismatchCure(text)}`, { code: "TOPIC_MISMATCH", cause: error });
  }
  return make(UNREACHABLE.test(`${(error as { code?: unknown } | undefined)?.code} ${text}`) ? "BROKER_UNREACHABLE" : "CONNECTION_LOST", true);
}

/** The broker's answer to a message. */
export function publishError(error: unknown): MillraceError {
  const known = amqpError(error, "publishing to RabbitMQ");
  if (known.code !== "TOPIC_MISMATCH") return known;
  // Nothing is declared here: its properties are wrong.
  return new MillraceError(known.message, { code: "MESSAGE_REFUSED", cause: error });
}

const UNREACHABLE = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|opening handshake/;

/** The broker's answer by number, also where amqplib puts it into the text only: while it connects. */
function replyCode(error: unknown, text: string): number | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  if (typeof code === "number") return code;
  const found = /^Handshake terminated by server: (\d{3})/.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** The same error, worth another try: a subscription heals when somebody gives back what it was denied. */
export function healing(error: unknown): MillraceError {
  const known = amqpError(error, "connecting");
  return known.retryable ? known : new MillraceError(known.message, { code: known.code, retryable: true, cause: known });
}
