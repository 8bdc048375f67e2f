import { SqlPubSub, sqlite } from "@millrace/sql";
import { type Logger, MemoryPubSub, type PubSub } from "millrace";
import type { Ledger } from "../ledger/ledger.ts";
import { LossyPubSub } from "../lossy/lossy-pubsub.ts";
import type { Program } from "../plan/program.ts";

const decoder = new TextDecoder();

/** The pub/sub of a program. */
export function openBus({ on, bus = {} }: Program, ledger: Ledger, logger: Logger): PubSub {
  switch (on) {
    case "memory":
    case "persistent":
      return new MemoryPubSub({ persistent: on === "persistent", bufferSize: bus.bufferSize, blockPublishUntilAck: bus.blocking ?? false, logger });
    case "sqlite":
      // Nobody else writes: there is nothing to look for.
      return new SqlPubSub({ dialect: sqlite({ path: ":memory:", pollMs: 1000 }), logger });
    case "lossy":
      return new LossyPubSub({
        positions: bus.nameless !== true,
        returns: bus.returns === true,
        settleMs: bus.settleMs ?? 0,
        againMs: bus.againMs ?? 0,
        onLost: (_topic, group, parcels) => ledger.lost(group, parcels.map(textOf)),
        onAgain: (_topic, group, parcel) => ledger.again(group, textOf(parcel)),
      });
  }
}

function textOf({ payload }: { readonly payload: Uint8Array }): string {
  return decoder.decode(payload);
}
