/** Signals that a browser keeps, for this piece or for all. */

import { effect, signal, type Signal } from "@preact/signals";

export function kept<T>(name: string, start: T): Signal<T> {
  const value = signal(read(name, start));
  effect(() => write(name, value.value));
  return value;
}

export function read<T>(name: string, start: T): T {
  try {
    const text = localStorage.getItem(`stemwright.${name}`);
    return text === null ? start : (JSON.parse(text) as T);
  } catch {
    return start;
  }
}

export function write(name: string, value: unknown): void {
  try {
    localStorage.setItem(`stemwright.${name}`, JSON.stringify(value));
  } catch {
    // full or forbidden: it holds until the page is left
  }
}
