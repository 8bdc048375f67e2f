/** What a link was asked and has not answered: once the link is gone nobody will. */
export class OpenAnswers {
  readonly #open: Set<(error: unknown) => void> = new Set();

  /** As the answer, or rejected when it fails to come. */
  await<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#open.add(reject);
      const closed = (): void => void this.#open.delete(reject);
      answer.finally(closed).then(resolve, reject);
    });
  }

  fail(error: unknown): void {
    for (const reject of this.#open) reject(error);
    this.#open.clear();
  }
}
