/** Own stems: which track they are of, and how they come onto the grid. */

import { signal } from "@preact/signals";
import { type Alignment, api } from "../api/client";
import { noticeLoss } from "./connection";
import { setPart } from "./making";
import { tell, tellFault } from "./notices";
import { piece, refresh, tellOthers, tracks } from "./piece";

export interface Dropped {
  file: File;
  track: string;
  /** What would bring it onto the grid; undefined until it was heard. */
  alignment?: Alignment;
}

/** Files whose track or tempo is to be settled. */
export const dropped = signal<readonly Dropped[]>([]);
/** Tracks to which a file is on its way. */
export const arriving = signal<ReadonlyMap<string, string>>(new Map());

const WORDS: Record<string, readonly string[]> = {
  bass: ["bass", "808"],
  drums: ["drum", "beat", "perc", "kick", "snare", "hat", "kit"],
  melody: ["melod", "lead", "vocal", "vox", "voice", "solo", "topline", "sax", "flute"],
  instrument: ["instr", "guitar", "piano", "keys", "chord", "pad", "synth", "strings", "organ", "comp"],
};
/** Within this of the piece's tempo a loop is left as it is. */
const SAME_TEMPO = 0.01;
const SAME_BEAT_S = 0.02;

/** By its name, else the first track that nothing was said about. */
export function guess(name: string, among: readonly string[], taken: readonly string[]): string {
  const lower = name.toLowerCase();
  const named = among.find((track) => (WORDS[track] ?? [track]).some((word) => lower.includes(word)));
  return named ?? among.find((track) => !taken.includes(track)) ?? among[0]!;
}

/** A file for a track: if it would need to be moved onto the grid, that is asked first. */
export async function bring(file: File, track: string): Promise<void> {
  const id = piece.value?.id;
  if (!id) return;
  arrive(track, file.name);
  try {
    const alignment = await api.alignment(id, track, file);
    if (needsMoving(alignment)) dropped.value = [...dropped.value, { file, track, alignment }];
    else await upload(file, track);
  } catch (fault) {
    if (noticeLoss(fault)) tell({ kind: "problem", text: `${file.name} was not sent: the server does not answer.`, action: { label: "Send again", run: () => void bring(file, track) } });
    else tellFault(`${file.name} cannot be used`, fault);
  } finally {
    arrive(track, null);
  }
}

export async function upload(file: File, track: string, stretch = 1, offsetS = 0): Promise<void> {
  const id = piece.value?.id;
  if (!id) return;
  arrive(track, file.name);
  try {
    await api.upload(id, track, file, stretch, offsetS);
    setPart(track, "kept");
    await refresh();
    tellOthers();
  } catch (fault) {
    const again = () => void upload(file, track, stretch, offsetS);
    if (noticeLoss(fault)) tell({ kind: "problem", text: `${file.name} was not sent: the server does not answer.`, action: { label: "Send again", run: again } });
    else tellFault(`${file.name} cannot be used`, fault);
  } finally {
    arrive(track, null);
  }
}

/** Several at once, each for the track that its name tells. */
export function bringAll(files: readonly File[]): void {
  const taken: string[] = [];
  for (const file of files.slice(0, tracks.value.length)) {
    const track = guess(file.name, tracks.value.filter((each) => !taken.includes(each)), taken);
    taken.push(track);
    void bring(file, track);
  }
  if (files.length > tracks.value.length) {
    tell({ kind: "problem", text: `A piece has ${tracks.value.length} tracks: the other files were left.` });
  }
}

export function settled(which: Dropped): void {
  dropped.value = dropped.value.filter((each) => each !== which);
}

export function needsMoving({ heard_bpm, stretch, offset_to_beat_s }: Alignment): boolean {
  if (heard_bpm === null) return false;
  return Math.abs((stretch ?? 1) - 1) > SAME_TEMPO || Math.abs(offset_to_beat_s ?? 0) > SAME_BEAT_S;
}

function arrive(track: string, name: string | null): void {
  const next = new Map(arriving.value);
  if (name === null) next.delete(track);
  else next.set(track, name);
  arriving.value = next;
}
