import type { PublishCall } from "./publish-call.ts";

/** Calls, and their messages and bytes. */
export class Load {
  calls = 0;
  messages = 0;
  bytes = 0;

  /** `sign`: 1, or −1 to take it off again. */
  add({ count, bytes }: PublishCall, sign: 1 | -1): void {
    this.calls += sign;
    this.messages += sign * count;
    this.bytes += sign * bytes;
  }

  /** So many more stay within the bounds. One call alone may be of any size. */
  takes(count: number, bytes: number, maxMessages: number, maxBytes: number): boolean {
    return this.calls === 0 || (this.messages + count <= maxMessages && this.bytes + bytes <= maxBytes);
  }
}
