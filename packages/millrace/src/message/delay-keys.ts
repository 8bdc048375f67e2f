/** Metadata of a delayed message; Watermill reads and writes the same. */
export const DELAYED_FOR_KEY = "_watermill_delayed_for";
export const DELAYED_UNTIL_KEY = "_watermill_delayed_until";
