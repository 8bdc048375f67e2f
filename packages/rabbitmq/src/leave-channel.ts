import type { Channel } from "amqplib";

/** Closes a channel that is needed no more. Nobody waits: amqplib never answers when the connection ends meanwhile, and takes the channel with it. */
export function leaveChannel(channel: Channel): void {
  channel.close().catch(() => {});
}
