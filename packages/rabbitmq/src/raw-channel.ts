import type { Channel } from "amqplib";

/**
 * What we need of a channel beyond amqplib's public face: a way to write frames that are made already, in their place among
 * the channel's others. `undefined` where this amqplib has none, and messages go one by one.
 */
export interface RawChannel {
  readonly number: number;
  readonly frameMax: number;
  write(frames: Buffer): void;
}

interface Inside {
  readonly ch?: unknown;
  readonly connection?: {
    readonly frameMax?: unknown;
    readonly channels?: ReadonlyArray<{ readonly buffer?: { write?(bytes: Buffer): boolean } } | null>;
    sentSinceLastCheck?: boolean;
  };
}

export function rawChannel(channel: Channel): RawChannel | undefined {
  const { ch, connection } = channel as unknown as Inside;
  if (typeof ch !== "number" || typeof connection?.frameMax !== "number" || connection.frameMax < 4096) return undefined;
  const buffer = connection.channels?.[ch]?.buffer;
  if (typeof buffer?.write !== "function") return undefined;
  return {
    number: ch,
    frameMax: connection.frameMax,
    write: (frames) => {
      connection.sentSinceLastCheck = true; // or amqplib sends a heartbeat beside
      buffer.write?.(frames);
    },
  };
}
