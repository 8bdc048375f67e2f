import type { Verdict } from "../message/index.ts";

/** What a delivery has come to. */
export const PENDING = 0;
export const ACKED = 1;
export const NACKED = 2;
export const LOST = 3;
/** Nacked by its handler, and the call sees to it: nobody else's verdict counts until the handler has ended. */
export const KEPT = 4;
/** What else there is to know, in bits. */
export const ENDED = 1;
export const TOLD_NACK = 2;
export const VERDICTS: readonly (Verdict | undefined)[] = [undefined, "acked", "nacked", "lost"];
