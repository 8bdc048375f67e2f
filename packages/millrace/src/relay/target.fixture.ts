import type { Message, Publisher, PublishOptions } from "../message/index.ts";

/** Keeps what it confirms; asks `before` first, which may refuse. */
export class Target implements Publisher {
  readonly got: { readonly topic: string; readonly text: string; readonly key: string | undefined }[] = [];
  readonly calls: { readonly topic: string; readonly count: number }[] = [];
  closed = 0;
  before: (topic: string, messages: readonly Message[], call: number) => void | Promise<void> = () => {};

  async publish(topic: string, messages: Message | readonly Message[], _options?: PublishOptions): Promise<void> {
    const list: readonly Message[] = Array.isArray(messages) ? messages : [messages as Message];
    this.calls.push({ topic, count: list.length });
    try {
      await this.before(topic, list, this.calls.length);
    } catch (error) {
      const { outcomes } = error as { outcomes?: readonly string[] };
      this.#keep(
        topic,
        list.filter((_message, index) => outcomes?.[index] === "confirmed"),
      );
      throw error;
    }
    this.#keep(topic, list);
  }

  #keep(topic: string, list: readonly Message[]): void {
    for (const message of list) this.got.push({ topic, text: message.text(), key: message.key });
  }

  get texts(): string[] {
    return this.got.map(({ text }) => text);
  }

  async close(): Promise<void> {
    this.closed++;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
