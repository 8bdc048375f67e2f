/** A promise broken by a small change of one file, and the test that notices. */
export interface Mutant {
  /** What users count on and this change takes from them: "an ack waits until the broker has it". */
  readonly promise: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Text that stands in the file once. */
  readonly find: string;
  readonly put: string;
  readonly caughtBy: NamedTest;
}

export interface NamedTest {
  /** From the root of the repository. */
  readonly file: string;
  /** The title of a test of that file, without those of the `describe`s around it. */
  readonly title: string;
}

/** A mutant of a file that is as it has to be: the text stands there once and is replaced by another one. */
export function mutated(code: string, { file, find, put }: Mutant): string {
  const found = code.split(find).length - 1;
  if (found !== 1) throw new Error(`the text to be replaced stands ${found === 0 ? "nowhere" : `${found} times`} in ${file}`);
  if (find === put) throw new Error("the text is replaced by itself");
  return code.replace(find, () => put);
}
