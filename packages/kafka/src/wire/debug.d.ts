// The client's own declarations name this module, which brings none. Nothing of it reaches our declarations.
declare module "debug" {
  namespace createDebug {
    type Debugger = (text: unknown, ...more: unknown[]) => void;
  }
  const createDebug: unknown;
  export default createDebug;
  export type Debugger = createDebug.Debugger;
}
