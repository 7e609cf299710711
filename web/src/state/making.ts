/** How takes are made, and what each track's part in it is. */

import { computed, signal } from "@preact/signals";
import type { Model, NewGeneration } from "../api/client";
import type { Span } from "./grid";
import { kept, read, write } from "./kept";
import { chosen, model, piece, tracks } from "./piece";

/** Open: may be made anew. Kept: stays, and the others are made to fit it. Out: neither made nor listened to. */
export type Part = "open" | "kept" | "out";

export interface Settings {
  candidates: number;
  /** null: the model's own. */
  guidanceScale: number | null;
  textGuidance: number | null;
  steps: number | null;
  solver: Model["solver"] | null;
  seed: number | null;
}

export const USUAL: Settings = {
  candidates: 1,
  guidanceScale: null,
  textGuidance: null,
  steps: null,
  solver: null,
  seed: null,
};

export const settings = kept<Settings>("settings", USUAL);
export const parts = signal<Readonly<Record<string, Part>>>({});
export const partOf = (track: string): Part => parts.value[track] ?? "open";

export function openParts(id: string): void {
  parts.value = read(`parts.${id}`, {});
}

export function setPart(track: string, part: Part): void {
  parts.value = { ...parts.value, [track]: part };
  if (piece.value) write(`parts.${piece.value.id}`, parts.value);
}

/** What "the rest" is: tracks that are empty beside some that are not, else all that may be made anew. */
export const rest = computed<readonly string[]>(() => {
  const open = tracks.value.filter((track) => partOf(track) === "open");
  const empty = open.filter((track) => !chosen.value[track]);
  return empty.length > 0 && Object.keys(chosen.value).length > 0 ? empty : open;
});

/** Those that some targets are made to fit. */
export function givenFor(targets: readonly string[]): readonly string[] {
  return tracks.value.filter((track) => chosen.value[track] && !targets.includes(track) && partOf(track) !== "out");
}

/** A part of tracks that have a take. */
export const rewritable = computed<readonly string[]>(() =>
  tracks.value.filter((track) => partOf(track) === "open" && chosen.value[track]),
);

export function asked(targets: readonly string[], span: Span | null): NewGeneration {
  const { candidates, guidanceScale, textGuidance, steps, solver, seed } = settings.value;
  return {
    targets: [...targets],
    given: [...givenFor(targets)],
    candidates,
    priority: "interactive",
    ...(span && { region: { start_s: span.startS, end_s: span.endS } }),
    ...(guidanceScale !== null && { guidance_scale: guidanceScale }),
    ...(textGuidance !== null && { text_guidance: textGuidance }),
    ...(steps !== null && { steps }),
    ...(solver !== null && { solver }),
    ...(seed !== null && { seed }),
  };
}

export const guidanceScale = computed(() => settings.value.guidanceScale ?? model.value?.guidance_scale ?? 1);

/** What λ does, in words. */
export function guidanceWords(scale: number): string {
  if (scale < 0.25) return "ignores the other tracks";
  if (scale < 0.85) return "listens a little to the other tracks";
  if (scale < 1.25) return "fits the other tracks as the training songs do";
  if (scale < 2.25) return "keeps close to the other tracks";
  if (scale < 3.5) return "follows the other tracks tightly";
  return "follows rigidly: may sound stiff or harsh";
}
