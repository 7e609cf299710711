/** What the studio tells its user beside what is seen: refusals, losses, what was done. */

import { signal } from "@preact/signals";
import { Refused, Unreachable } from "../api/client";

export interface Notice {
  id: number;
  kind: "problem" | "news";
  text: string;
  remedy?: string;
  action?: { label: string; run: () => void };
}

export const notices = signal<readonly Notice[]>([]);
export const signInWanted = signal(false);

const NEWS_MS = 5000;
let count = 0;

export function tell(notice: Omit<Notice, "id">): void {
  const id = ++count;
  const others = notices.value.filter((each) => each.text !== notice.text);
  notices.value = [...others.slice(-3), { ...notice, id }];
  if (notice.kind === "news") setTimeout(() => dismiss(id), NEWS_MS);
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter((each) => each.id !== id);
}

/** In plain words, with a way on; a lost connection is told elsewhere. */
export function tellFault(what: string, fault: unknown, again?: () => void): void {
  const action = again && { label: "Try again", run: again };
  if (fault instanceof Unreachable) {
    tell({ kind: "problem", text: `${what}: the server does not answer.`, action });
  } else if (fault instanceof Refused) {
    if (fault.status === 401) {
      signInWanted.value = true;
      return;
    }
    tell({ kind: "problem", text: `${what}: ${fault.message}.`, remedy: sentence(fault.remedy), action });
  } else {
    console.error(fault);
    tell({ kind: "problem", text: `${what}: the studio made a mistake.`, remedy: "Reload the page.", action });
  }
}

const sentence = (text: string) => text && `${text[0]!.toUpperCase()}${text.slice(1)}.`;
