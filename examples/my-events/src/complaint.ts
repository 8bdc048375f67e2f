/** What keeps a process from its work and says all there is to say in its message: shown without a stack. */
export class Complaint extends Error {
  override readonly name: string = "Complaint";
}
