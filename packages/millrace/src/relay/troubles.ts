import { isPermanent } from "../errors/index.ts";
import { asError } from "../internal/as-error.ts";
import { monotonicMs, wallMs } from "../internal/timers.ts";
import type { Logger } from "../logger/index.ts";
import type { ReceivedMessage } from "../message/index.ts";

/** A message that has failed shows as failing when it has not got through so many milliseconds later, however few its attempts. */
const FAILING_AFTER_MS = 5_000;

/** One message that does not get through. */
export interface Trouble {
  readonly since: Date;
  readonly sinceMs: number;
  /** Its latest delivery. */
  message: ReceivedMessage;
  attempt: number;
  error: Error;
  /** Hand-outs at which the target would not have this message, as opposed to none at all. */
  refusals: number;
  /** Trying again cannot help. */
  hopeless: boolean;
  /** It is on its way to the dead letter. */
  leaving: boolean;
  /** The dead letter would not have it. */
  stuck: boolean;
  /** It was given back, to come again. */
  givenBack: boolean;
  told: boolean;
}

export interface TroubleRules {
  readonly handler: string;
  /** After so many refusals a message is given up. */
  readonly attempts: number;
  /** There is a dead letter for what is given up. */
  readonly buries: boolean;
  /** A message shows as failing from this attempt on. */
  readonly visibleAfter: number;
  readonly logger: Logger;
}

export interface Failed {
  readonly error: unknown;
  /** The target would not have this message, as opposed to none at all. */
  readonly refused: boolean;
  /** Trying again cannot help. */
  readonly hopeless: boolean;
}

/** What one handler of a relay cannot get rid of at the moment, since when, and why. */
export class Troubles {
  readonly #rules: TroubleRules;
  /** One a key, since what is behind it waits. */
  readonly #known: Map<string, Trouble> = new Map();

  constructor(rules: TroubleRules) {
    this.#rules = rules;
  }

  /** True when the message has been refused as often as it may be. */
  failed(message: ReceivedMessage, key: string | undefined, { error, refused, hopeless }: Failed): boolean {
    const { attempts, buries } = this.#rules;
    const lane = laneOf(message, key);
    const { attempt } = message.delivery;
    const known = this.#known.get(lane);
    const trouble = known !== undefined && isSame(known, message) ? known : begun(message);
    // Middleware may try one delivery several times: that is one attempt.
    if (refused && attempt !== trouble.attempt) trouble.refusals++;
    const spent = trouble.refusals >= attempts;
    const leaving = buries && (spent || isPermanent(error));
    Object.assign(trouble, { message, attempt, error: asError(error), hopeless, leaving, givenBack: false });
    this.#known.set(lane, trouble);
    this.#follow(lane, trouble);
    if (!trouble.told && this.#isFailing(trouble)) this.#tell(trouble);
    return spent;
  }

  /** The target has it. */
  passed(message: ReceivedMessage, key: string | undefined): void {
    if (this.#known.size === 0) return;
    const lane = laneOf(message, key);
    const known = this.#known.get(lane);
    if (known !== undefined && isSame(known, message)) this.#known.delete(lane);
  }

  clear(): void {
    this.#known.clear();
  }

  /** What was given back will not come again: another member has it. */
  forgetGivenBack(): void {
    for (const [lane, { givenBack }] of this.#known) if (givenBack) this.#known.delete(lane);
  }

  /** The first that failed. */
  get oldest(): Trouble | undefined {
    return this.#known.values().next().value;
  }

  /** The first of those that somebody should look at. */
  get failing(): Trouble | undefined {
    for (const trouble of this.#known.values()) if (this.#isFailing(trouble)) return trouble;
    return undefined;
  }

  #isFailing({ hopeless, leaving, stuck, attempt, sinceMs }: Trouble): boolean {
    if (monotonicMs() - sinceMs >= FAILING_AFTER_MS) return true;
    return (!leaving || stuck) && (hopeless || attempt >= this.#rules.visibleAfter);
  }

  #follow(lane: string, trouble: Trouble): void {
    const { message } = trouble;
    void message.settled.then((verdict) => {
      if (trouble.message !== message) return;
      if (verdict === "nacked") {
        trouble.givenBack = true;
        trouble.stuck ||= trouble.leaving;
      } else if (this.#known.get(lane) === trouble) {
        this.#known.delete(lane);
      }
    });
  }

  #tell(trouble: Trouble): void {
    trouble.told = true;
    const { message, attempt, error } = trouble;
    const { topic, position } = message.delivery;
    this.#rules.logger.error(
      { handler: this.#rules.handler, topic, id: message.id, position, attempt, error },
      "a message does not get through, what is behind it waits",
    );
  }
}

function begun(message: ReceivedMessage): Trouble {
  const error = new Error();
  const fresh = { error, refusals: 0, hopeless: false, leaving: false, stuck: false, givenBack: false, told: false };
  return { since: new Date(wallMs()), sinceMs: monotonicMs(), message, attempt: 0, ...fresh };
}

/** A broker may give a message another place when it comes again, and ids may repeat; but it has been handed out more often then. */
function isSame({ message: known, attempt }: Trouble, { id, delivery }: ReceivedMessage): boolean {
  if (id !== known.id) return false;
  if (delivery.position !== undefined && delivery.position === known.delivery.position) return true;
  return (id !== "" || delivery.position === undefined) && delivery.attempt >= attempt;
}

function laneOf({ id, delivery }: ReceivedMessage, key: string | undefined): string {
  if (key !== undefined) return `key ${key}`;
  return id === "" ? `position ${delivery.position}` : `id ${id}`;
}
