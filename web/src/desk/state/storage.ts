/** Settings this browser keeps. Each key is ours: other pages of this host have the same storage. */

const PREFIX = "order-engine:desk:";

export function remembered(key: string): string | null {
  return localStorage.getItem(PREFIX + key);
}

export function remember(key: string, value: string): void {
  localStorage.setItem(PREFIX + key, value);
}
