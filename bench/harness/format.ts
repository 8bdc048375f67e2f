/** Messages per second. */
export function rate(perSecond: number): string {
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(2)} M/s`;
  return perSecond >= 10_000 ? `${(perSecond / 1e3).toFixed(0)} k/s` : `${perSecond.toFixed(0)} /s`;
}

export function ns(value: number): string {
  return `${value.toFixed(0)} ns`;
}

export function ms(value: number): string {
  return `${value < 0.1 ? value.toFixed(4) : value.toFixed(1)} ms`;
}

/** Milliseconds, shown in microseconds. */
export function us(valueMs: number): string {
  const value = valueMs * 1000;
  return `${value.toFixed(value < 10 ? 1 : 0)} µs`;
}

export function percent(part: number): string {
  return `${(part * 100).toFixed(part < 0.1 ? 2 : 0)} %`;
}

export function spread(part: number): string {
  return `±${(part * 100).toFixed(0)} %`;
}

export function times(ratio: number): string {
  return `${ratio.toFixed(2)}×`;
}

export function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
