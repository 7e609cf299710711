/** What a page shows of a piece: zoom, the marked span, what sounds alone. Kept for each piece. */

import { computed, signal } from "@preact/signals";
import type { Span } from "./grid";
import { read, write } from "./kept";
import { grid, piece } from "./piece";

export const zoom = signal(1);
export const span = signal<Span | null>(null);
export const loops = signal(false);
export const solo = signal<ReadonlySet<string>>(new Set());
/** Width of what is seen of the lanes, in pixels. */
export const laneWidth = signal(800);
export const theme = signal<"system" | "dark" | "light">(read("theme", "system"));

/** Counts changes of the colours, which drawn waveforms follow. */
export const dressed = signal(0);
matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => (dressed.value += 1));

export const MAX_WIDTH = 16_000;
const FASTEST = 400;

export const maxZoom = computed(() =>
  Math.max(1, Math.min(MAX_WIDTH / laneWidth.value, (FASTEST * grid.value.durationS) / laneWidth.value)),
);
export const pxPerS = computed(
  () => (laneWidth.value * Math.min(zoom.value, maxZoom.value)) / grid.value.durationS,
);

export function setZoom(factor: number): void {
  zoom.value = Math.min(Math.max(1, factor), maxZoom.value);
  keep();
}

export function setSpan(marked: Span | null): void {
  span.value = marked && marked.endS > marked.startS ? marked : null;
  keep();
}

export function setLoops(on: boolean): void {
  loops.value = on;
  keep();
}

export function toggleSolo(track: string): void {
  const next = new Set(solo.value);
  if (!next.delete(track)) next.add(track);
  solo.value = next;
}

export function setTheme(next: "system" | "dark" | "light"): void {
  theme.value = next;
  write("theme", next);
  dress();
}

export function dress(): void {
  if (theme.value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
  dressed.value += 1;
}

interface Kept {
  zoom: number;
  span: Span | null;
  loops: boolean;
}

export function openView(id: string): void {
  const found = read<Kept>(`view.${id}`, { zoom: 1, span: null, loops: false });
  [zoom.value, span.value, loops.value] = [found.zoom, found.span, found.loops];
  solo.value = new Set();
}

function keep(): void {
  const id = piece.value?.id;
  if (id) write(`view.${id}`, { zoom: zoom.value, span: span.value, loops: loops.value });
}
