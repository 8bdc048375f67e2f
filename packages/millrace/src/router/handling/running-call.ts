let depth = 0;

/** True while a handler runs at this very moment, up to its first `await`: whoever asks to stop then cannot be made to wait for its end. */
export function insideHandler(): boolean {
  return depth > 0;
}

export function enterHandler(): void {
  depth++;
}

export function leaveHandler(): void {
  depth--;
}
