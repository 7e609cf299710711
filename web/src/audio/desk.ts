/** The player of the open piece, told of every change to it. */

import { computed, effect, signal } from "@preact/signals";
import { noticeLoss, onReturn } from "../state/connection";
import { tellFault } from "../state/notices";
import { chosen, grid, laneOf, piece, tracks } from "../state/piece";
import { loops, solo, span } from "../state/view";
import { Player } from "./player";
import { stem } from "./stems";

export const player = signal<Player | null>(null);
/** Tracks whose take is on its way here. */
export const loading = signal<ReadonlySet<string>>(new Set());

const kind = computed(() => (piece.value ? `${piece.value.id} ${piece.value.sample_rate_hz} ${piece.value.duration_s}` : ""));
export const isHeard = (track: string): boolean =>
  !laneOf(track).mute && (solo.value.size === 0 || solo.value.has(track));

effect(() => {
  kind.value;
  const open = piece.peek();
  void player.peek()?.close();
  player.value = open && new Player(open.sample_rate_hz, open.duration_s);
});

effect(() => {
  for (const track of tracks.value) player.value?.setLane(track, laneOf(track), isHeard(track));
});

const wanted = computed(() => JSON.stringify(chosen.value));
effect(() => {
  wanted.value;
  fill();
});
onReturn(fill);

function fill(): void {
  const current = player.value;
  if (current) for (const track of tracks.peek()) void put(current, track, chosen.peek()[track]);
}

effect(() => {
  const whole = { startS: 0, endS: grid.value.durationS };
  const current = player.value;
  if (current) current.setLoop(loops.value ? (span.value ?? whole) : null);
});

async function put(current: Player, track: string, takeId: string | undefined): Promise<void> {
  if (!takeId) return current.setStem(track, null);
  mark(track, true);
  try {
    const audio = await stem(takeId, current.rateHz);
    if (current === player.peek() && chosen.peek()[track] === takeId) current.setStem(track, audio);
  } catch (fault) {
    if (!noticeLoss(fault)) tellFault(`The ${track} cannot be played`, fault);
  } finally {
    mark(track, false);
  }
}

function mark(track: string, isLoading: boolean): void {
  const next = new Set(loading.peek());
  if (isLoading) next.add(track);
  else next.delete(track);
  loading.value = next;
}

export function togglePlay(): void {
  const current = player.value;
  if (!current) return;
  if (current.isPlaying.value) current.pause();
  else void current.play(loops.value && span.value && !inside(current.restS.value) ? span.value.startS : undefined);
}

function inside(atS: number): boolean {
  return span.value !== null && atS >= span.value.startS && atS < span.value.endS;
}
