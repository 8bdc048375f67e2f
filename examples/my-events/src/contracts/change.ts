import { z } from "zod";

/**
 * What every message about a location or an event carries beside its fields.
 *
 * Topics are read side by side, and a message may come twice, so messages of one thing may arrive in any order.
 * `version` lets a reader keep the newest and ignore the rest; `sequence` lets it list things in order of creation.
 */
export interface Change {
  readonly id: string;
  /** 1 when created, one more with each change; the removal has the highest. */
  readonly version: number;
  /** The thing's place in its producer's order of creation: the same in all its messages. */
  readonly sequence: number;
  /** When it happened, by the clock of the service that did it. */
  readonly occurredAt: string;
}

export interface ChangeShape {
  readonly id: z.ZodUUID;
  readonly version: z.ZodInt;
  readonly sequence: z.ZodInt;
  readonly occurredAt: z.ZodISODateTime;
}

export const changeShape: ChangeShape = {
  id: z.uuid(),
  version: z.int().min(1),
  sequence: z.int().min(1),
  occurredAt: z.iso.datetime({ precision: 3 }),
};

export type Removed = Change;
export const removedSchema: z.ZodType<Removed> = z.object(changeShape);
