import { MemberProcess, type MemberTask } from "./member-process.ts";

/** The consumer processes of a soak: those that run, by group. */
export class Members {
  readonly #task: Omit<MemberTask, "id" | "group">;
  readonly #onTrouble: (text: string) => void;
  readonly #running: MemberProcess[] = [];
  #lastId = 0;

  constructor(task: Omit<MemberTask, "id" | "group">, onTrouble: (text: string) => void) {
    this.#task = task;
    this.#onTrouble = onTrouble;
  }

  of(group: string): readonly MemberProcess[] {
    return this.#running.filter((member) => member.group === group);
  }

  get all(): readonly MemberProcess[] {
    return this.#running;
  }

  add(group: string): MemberProcess {
    const member = new MemberProcess({ ...this.#task, id: ++this.#lastId, group }, this.#onTrouble);
    this.#running.push(member);
    return member;
  }

  async kill(member: MemberProcess): Promise<void> {
    this.#remove(member);
    await member.kill();
  }

  async leave(member: MemberProcess): Promise<void> {
    this.#remove(member);
    await member.leave();
  }

  async killAll(): Promise<void> {
    await Promise.all(this.#running.splice(0).map((member) => member.kill()));
  }

  #remove(member: MemberProcess): void {
    const at = this.#running.indexOf(member);
    if (at !== -1) this.#running.splice(at, 1);
  }
}
