/** Standard base64 with padding, as Go's `base64.StdEncoding` writes it. */
export function toBase64(bytes: Uint8Array): string {
  const { Buffer: NodeBuffer } = globalThis as { readonly Buffer?: typeof Buffer };
  if (NodeBuffer !== undefined) return NodeBuffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
  let binary = "";
  for (let from = 0; from < bytes.length; from += 0x8000) binary += String.fromCharCode(...bytes.subarray(from, from + 0x8000));
  return btoa(binary);
}

/**
 * The bytes of standard base64 as Go reads it: padding is required, line breaks are skipped, the alphabet for URLs is refused.
 * Answers `undefined` for anything else.
 */
export function fromBase64(text: string): Uint8Array | undefined {
  const whole = /[\r\n]/.test(text) ? text.replace(/[\r\n]/g, "") : text;
  if (whole.length % 4 !== 0) return undefined;
  const padding = whole.endsWith("==") ? 2 : whole.endsWith("=") ? 1 : 0;
  const digits = padding === 0 ? whole : whole.slice(0, -padding);
  if (/[^A-Za-z0-9+/]/.test(digits)) return undefined;
  const { Buffer: NodeBuffer } = globalThis as { readonly Buffer?: typeof Buffer };
  if (NodeBuffer !== undefined) {
    const decoded = NodeBuffer.from(whole, "base64");
    return new Uint8Array(decoded.buffer, decoded.byteOffset, decoded.byteLength);
  }
  const binary = atob(whole);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}
