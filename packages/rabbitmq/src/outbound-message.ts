import type { WireProperties } from "./codec.ts";
import type { Hold } from "./delay/delay-exit.ts";

/** A message as it is written. */
export interface OutboundMessage {
  /** As it will be read from the wire; undefined for what cannot be read. */
  readonly id: string | undefined;
  /** Set anew when it is sent, while it is to be held back. */
  exchange: string;
  routingKey: string;
  readonly content: Buffer;
  readonly properties: WireProperties;
  /** It is not due yet. */
  readonly hold: Hold | undefined;
  /** The broker has given it back: no queue takes it. Its confirmation follows. */
  returned: string | undefined;
  /** The broker has said what became of it. */
  settled: boolean;
}
