/** What one run of a case measured, by name. */
export type Figures = Readonly<Record<string, number>>;

/** A program that is run in a process of its own, with these settings. Each file of `cases/` exports one as `run`. */
export type Case<Settings extends object> = (settings: Settings) => Promise<Figures>;

/** A case to be run: the name of its file, and its settings. */
export interface Call {
  readonly name: string;
  readonly settings: object;
}

/** A call whose settings are checked against the case's own. */
export function call<Settings extends object>(name: string, settings: Settings): Call {
  return { name, settings };
}
