/** Something the person at the keyboard has to know: shown as one sentence, without a stack. */
export class LaunchError extends Error {}
