import { Message } from "millrace";

const KEYS = 240;
const BYTES = 64;
/** One message in so many takes a while. */
const SLOW_ONE_IN = 10;

/** How many ordering keys the messages of a soak have. */
export const KEY_COUNT: number = KEYS;

/** Message number `sequence` of a soak: what it holds follows from its number. */
export function soakMessage(sequence: number): Message {
  const payload = Buffer.alloc(BYTES, sequence & 0xff);
  payload.writeUInt32LE(sequence, 0);
  return new Message(payload, { id: `soak-${sequence}`, key: `key-${keyOf(sequence)}` });
}

export function keyOf(sequence: number): number {
  return sequence % KEYS;
}

/** The number of a message that came back; throws when anything of it is not what was published. */
export function sequenceOf({ id, key, payload }: Pick<Message, "id" | "key" | "payload">): number {
  const sequence = Number(id.slice("soak-".length));
  const expected = soakMessage(sequence);
  if (id !== expected.id || key !== expected.key || Buffer.compare(expected.payload, payload) !== 0) {
    throw new Error(`message ${id} came back changed: key ${key}, ${payload.length} bytes`);
  }
  return sequence;
}

/** How long handling a message takes: 0 for most of them. */
export function workMs(sequence: number): number {
  return sequence % SLOW_ONE_IN === 3 ? 5 + ((sequence * 7919) % 20) : 0;
}
