import type { Message } from "millrace";
import { openEnvelope } from "millrace/forwarder";
import { HANDLER_POISONED } from "millrace/middleware";
import type { GroupBook } from "../ledger/group-book.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Track } from "../ledger/records.ts";

/** Where failed messages go: the router's dead letter, and `poisonQueue`. */
export class Graveyard {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** A dead letter or a poisoned copy is about to be published. */
  begin(topic: string, message: Message): void {
    for (const relay of this.#ledger.relays.values()) relay.burying(this.#text(message));
    const graves = this.#graves(message);
    if (graves.length === 0 || graves.some(({ book, track }) => book.mayRepeat || earned(book, track, topic))) return;
    const { book, track } = graves[0] as Grave;
    if (topic === "poison") this.#ledger.complain("poison", `${book.name} poisons ${track.text}, which never failed`);
    else this.#ledger.complain("deadLetter", `${book.name} dead-letters ${track.text}, which failed ${track.earned} of ${book.plan.attempts ?? 3} times`);
  }

  /** It is there. */
  end(topic: string, message: Message): void {
    for (const relay of this.#ledger.relays.values()) relay.buried(this.#text(message));
    for (const { book, track } of this.#graves(message)) {
      if (topic === "dead") book.done(track, "dead-lettered");
      else for (const handling of track.handlings) handling.poisoned ||= handling.endedAt === undefined;
    }
  }

  /** A forwarder buries envelopes. */
  #text(message: Message): string {
    return this.#ledger.program.handlers[0]?.kind === "forwarder" ? openEnvelope(message).message.text() : message.text();
  }

  /** Whose message it is; where no handler is named, anybody's who has it. */
  #graves(message: Message): Grave[] {
    const named = this.#ledger.books.get(message.metadata.get(HANDLER_POISONED) ?? "");
    const books = named === undefined ? [...this.#ledger.books.values()] : [named];
    return books.flatMap((book) => {
      const track = book.tracks.get(message.text());
      return track === undefined ? [] : [{ book, track }];
    });
  }
}

interface Grave {
  readonly book: GroupBook;
  readonly track: Track;
}

function earned({ plan }: GroupBook, track: Track, topic: string): boolean {
  if (!isAtFault(track)) return false;
  if (topic === "dead") return track.permanent || track.earned >= (plan.attempts ?? 3);
  if (track.failed || track.handlings.some((handling) => handling.layerFailures > 0)) return true;
  return track.calls.some((call) => call.bad.has(track) || call.endedAt === undefined || call.abortedAt !== undefined);
}

/** It has failed by itself, not only with others of its batch. */
function isAtFault(track: Track): boolean {
  if (track.handlings.some(({ layerFailures, calls }) => layerFailures > 0 || calls.length === 0)) return true;
  return track.calls.some(({ tracks, named, nacked }) => tracks.length === 1 || named.has(track) || nacked.has(track));
}
