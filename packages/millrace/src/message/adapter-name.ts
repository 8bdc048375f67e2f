/** On a publisher or subscriber that passes everything on to another one: that other one. Registered, so that two copies of the library mix. */
export const DECORATES: unique symbol = Symbol.for("millrace.decorates") as never;

export interface Decorating {
  readonly [DECORATES]?: object | undefined;
}

/**
 * What a publisher or subscriber is called in descriptions and dead letters: the name of its class; of decorators, the class of what they
 * stand before. Empty for an object without a class, which has no name that would tell anything.
 */
export function adapterName(end: object): string {
  const name: unknown = undecorated(end).constructor?.name;
  return typeof name === "string" && name !== "Object" ? name : "";
}

/** What stands behind all decorators of a publisher or subscriber; itself where there is none. */
export function undecorated(end: object): object {
  let innermost = end as Decorating;
  for (let depth = 0; depth < 100 && innermost[DECORATES] !== undefined; depth++) innermost = innermost[DECORATES];
  return innermost;
}
