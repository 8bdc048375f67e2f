import { wallMs } from "./timers.ts";

const DIGITS: readonly number[] = Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));
const DASH = "-".charCodeAt(0);

const pool = new Uint16Array(2048);
let next = pool.length;
let lastMs = 0;
let sequence = 0;
/** The characters of the id; those of the time stay from one to the next. Made in one piece: a text put together of many would be copied again by whoever writes it. */
const codes: number[] = Array<number>(36).fill(DASH);

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
  write(14, 0x7000 | sequence);
  write(19, 0x8000 | ((pool[next] as number) & 0x3fff));
  write(24, pool[next + 1] as number);
  write(28, pool[next + 2] as number);
  write(32, pool[next + 3] as number);
  next += 4;
  return String.fromCharCode(...codes);
}

function restart(ms: number): void {
  lastMs = ms;
  sequence = 0;
  const high = Math.floor(ms / 0x1_0000);
  write(0, (high >>> 16) & 0xffff);
  write(4, high & 0xffff);
  write(9, ms & 0xffff);
}

/** Four hexadecimal digits. */
function write(at: number, word: number): void {
  codes[at] = DIGITS[word >> 12] as number;
  codes[at + 1] = DIGITS[(word >> 8) & 15] as number;
  codes[at + 2] = DIGITS[(word >> 4) & 15] as number;
  codes[at + 3] = DIGITS[word & 15] as number;
}
