import type { Message } from "millrace";
import { HANDLER_POISONED } from "millrace/middleware";
import type { GroupBook } from "../ledger/group-book.ts";
import type { Ledger } from "../ledger/ledger.ts";

/** Where failed messages go: the router's dead letter, and `poisonQueue`. */
export class Graveyard {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** A dead letter or a poisoned copy is about to be published. */
  begin(topic: string, message: Message): void {
    const text = message.text();
    if (topic === "dead") for (const relay of this.#ledger.relays.values()) relay.burying(text);
    for (const book of this.#booksOf(message)) {
      const track = book.tracks.get(text);
      if (track === undefined || book.mayRepeat) continue;
      const { attempts = 3 } = book.plan;
      if (topic === "poison") {
        const failed = track.failed || track.handlings.some((handling) => handling.layerFailed) || track.calls.some((call) => call.bad.has(track) || call.endedAt === undefined || call.abortedAt !== undefined);
        if (!failed) this.#ledger.complain("poison", `${book.name} poisons ${text}, which never failed`);
      } else if (!track.permanent && track.earned < attempts) {
        this.#ledger.complain("deadLetter", `${book.name} dead-letters ${text}, which failed ${track.earned} of ${attempts} times`);
      }
    }
  }

  /** It is there. */
  end(topic: string, message: Message): void {
    const text = message.text();
    if (topic === "dead") for (const relay of this.#ledger.relays.values()) relay.buried(text);
    for (const book of this.#booksOf(message)) {
      const track = book.tracks.get(text);
      if (track === undefined) continue;
      if (topic === "dead") book.done(track, "dead-lettered");
      else for (const handling of track.handlings) handling.poisoned ||= handling.endedAt === undefined;
    }
  }

  #booksOf(message: Message): GroupBook[] {
    const named = this.#ledger.books.get(message.metadata.get(HANDLER_POISONED) ?? "");
    return named === undefined ? [...this.#ledger.books.values()] : [named];
  }
}
