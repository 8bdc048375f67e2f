/** Whoever handed the message out; told when it could not be settled: then its subscription is taken as broken. */
export interface Origin {
  broken(error: unknown): void;
}

/** What a call belongs to besides its handler: told when it has ended, however. */
export interface Company {
  onCallOver(): void;
  /** Something before it in its line has changed, or it was lost, or overtaken. */
  onAhead?(): void;
}

/** Told once when something has changed for a call that waits: see `Call.whenAhead`. */
export interface Wake {
  onAhead(): void;
}

/** What a call begins with. */
export interface CallStart {
  readonly origin: Origin;
  readonly order: number;
  readonly holdsSlot: boolean;
}
