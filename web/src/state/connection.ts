/** Whether the server answers; what could not be sent is sent when it does again. */

import { signal } from "@preact/signals";
import { Unreachable } from "../api/client";

export const isLost = signal(false);

const returns = new Set<() => void>();
const ASK_MS = 1000;

/** Called each time the server is back; gives what ends it. */
export function onReturn(call: () => void): () => void {
  returns.add(call);
  return () => returns.delete(call);
}

/** Gives the fault on; where it was a loss, waits for the server's return. */
export function noticeLoss(fault: unknown): boolean {
  if (!(fault instanceof Unreachable)) return false;
  lost();
  return true;
}

export function lost(): void {
  if (isLost.value) return;
  isLost.value = true;
  setTimeout(ask, ASK_MS);
}

async function ask(): Promise<void> {
  const answer = await fetch("/healthz").catch(() => null);
  if (!answer?.ok) {
    setTimeout(ask, ASK_MS);
    return;
  }
  isLost.value = false;
  for (const call of returns) call();
}
