import { attempts } from "./attempts.ts";
import { calls } from "./calls.ts";
import type { Case } from "./case.ts";
import { identity } from "./identity.ts";
import { life } from "./life.ts";
import { losses } from "./losses.ts";
import { memoryAndRelays } from "./memory-and-relays.ts";
import { order } from "./order.ts";

/** Every program that once broke the contract. */
export const all: readonly Case[] = [...identity, ...losses, ...order, ...calls, ...attempts, ...life, ...memoryAndRelays];
