import { wallMs } from "./timers.ts";

const HEX2 = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const HEX4 = Array.from({ length: 65_536 }, (_, word) => (HEX2[word >> 8] as string) + (HEX2[word & 255] as string));

const pool = new Uint16Array(2048);
let next = pool.length;
let lastMs = 0;
let sequence = 0;
let prefix = "";

/**
 * A UUID of version 7 (RFC 9562): 48 bits of time, a 12-bit counter that makes ids of one process ascend within a
 * millisecond, 62 random bits from the platform's generator, drawn in pools.
 */
export function uuidV7(): string {
  const now = wallMs();
  if (now > lastMs) restart(now);
  else if (++sequence > 0xfff) restart(lastMs + 1); // more than 4096 ids in a millisecond: borrow from the next one
  if (next + 4 > pool.length) {
    globalThis.crypto.getRandomValues(pool);
    next = 0;
  }
  const variant = 0x8000 | ((pool[next] as number) & 0x3fff);
  const id = `${prefix}${HEX4[0x7000 | sequence]}-${HEX4[variant]}-${HEX4[pool[next + 1] as number]}${HEX4[pool[next + 2] as number]}${HEX4[pool[next + 3] as number]}`;
  next += 4;
  return id;
}

function restart(ms: number): void {
  lastMs = ms;
  sequence = 0;
  const high = Math.floor(ms / 0x1_0000);
  prefix = `${HEX4[(high >>> 16) & 0xffff]}${HEX4[high & 0xffff]}-${HEX4[ms % 0x1_0000]}-`;
}
