/** A message that is in the broker. */
export interface Publication {
  readonly text: string;
  readonly topic: string;
  readonly key: string | undefined;
  readonly id: string;
  readonly at: number;
}

/** What became of a publication in one group. */
export class Track {
  readonly publication: Publication;
  readonly lane: string | undefined;
  readonly calls: Call[] = [];
  readonly handlings: Handling[] = [];
  /** When it was done with, and how. */
  doneAt: number | undefined = undefined;
  how: string = "";
  /** So often it is in the topic, and so often it was done with. */
  copies = 1;
  times = 0;
  /** After a failure it must not come before, and should have come by then. */
  dueAt = 0;
  dueBy = 0;
  /** Failures that count as attempts. */
  earned = 0;
  /** It failed with an error that no attempt can mend. */
  permanent = false;
  /** The handler did badly by it at least once, or a layer of the model's own failed. */
  failed = false;
  /** The broker took it away, so often, the last time then; and gave it out again. */
  lost = 0;
  lostAt = 0;
  againAt: number = Infinity;
  /** When it last failed or was taken away, as the ledger counts turns. */
  wentBackTurn = 0;
  /** It may come again: a deadline was over while it was in hand, or its subscription broke. */
  mayRepeat = false;
  /** Nobody had subscribed or provisioned when it was published. */
  readonly unseen: boolean;

  constructor(publication: Publication, lane: string | undefined, unseen: boolean) {
    this.publication = publication;
    this.lane = lane;
    this.unseen = unseen;
  }

  get text(): string {
    return this.publication.text;
  }

  /** As often done with as it was published. */
  get settled(): boolean {
    return this.times >= this.copies;
  }

  /** Its handling that has not ended. */
  open(member: number): Handling | undefined {
    return this.handlings.findLast((handling) => handling.member === member && handling.endedAt === undefined);
  }
}

/** The innermost handler at work: for one message, or for a batch. */
export class Call {
  readonly member: number;
  readonly tracks: readonly Track[];
  readonly startedAt: number;
  endedAt: number | undefined;
  /** When it was first told to stop: by a timeout, a loss, a deadline. */
  abortedAt: number | undefined;
  /** It outlived its member: no slot is its any more. */
  leftBehind = false;
  /** It ends its own router or handler: before it has waited for anything, or later, when nobody can know who asks. */
  ending: "at once" | "later" | undefined = undefined;
  /** Those it did badly by. */
  readonly bad: Set<Track> = new Set();
  /** Those of a batch that it named. */
  readonly named: Set<Track> = new Set();
  /** Those that have to be handled again because an earlier one of their key failed in the same batch. */
  readonly takenBack: Set<Track> = new Set();
  /** Those it gave a nack of its own, held or refused. */
  readonly nacked: Set<Track> = new Set();
  /** Those it failed with what `ignoreErrors` ignores. */
  readonly ignorable: Set<Track> = new Set();
  /** The results it made. */
  made: readonly string[] = [];

  constructor(member: number, tracks: readonly Track[], startedAt: number) {
    this.member = member;
    this.tracks = tracks;
    this.startedAt = startedAt;
  }

  /** It did well by this one. */
  good(track: Track): boolean {
    return this.endedAt !== undefined && !this.bad.has(track) && !this.nacked.has(track) && !this.takenBack.has(track);
  }
}

/** One message on its way through the whole middleware of a handler: from the router's call to what it got back. */
export class Handling {
  readonly track: Track;
  readonly member: number;
  readonly attempt: number;
  readonly startedAt: number;
  readonly calls: Call[] = [];
  endedAt: number | undefined;
  threw = false;
  /** When the broker took the message away, or the deadline was over. */
  lostAt: number | undefined = undefined;
  /** A nack of the handler's held. */
  nacked = false;
  /** When an ack of the handler's held, as the ledger counts turns; 0 for never. */
  ackedTurn = 0;
  /** Its member ended without it. */
  leftBehind = false;
  /** When its failure was entered. */
  failedAt: number | undefined = undefined;
  /** So often a layer of the model's own made it fail, or kept it waiting. */
  layerFailures = 0;
  /** It went to a poison queue. */
  poisoned = false;
  /** The results that came out. */
  produced: readonly string[] = [];

  constructor(track: Track, member: number, attempt: number, startedAt: number) {
    this.track = track;
    this.member = member;
    this.attempt = attempt;
    this.startedAt = startedAt;
  }

  get acked(): boolean {
    return this.ackedTurn > 0;
  }

  get lost(): boolean {
    return this.lostAt !== undefined;
  }
}
