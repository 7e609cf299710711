/** Takes as audio, decoded once, the least recently used let go. */

import { api } from "../api/client";

const MOST_BYTES = 700e6;

const held = new Map<string, Promise<AudioBuffer>>();
const sizes = new Map<string, number>();

/** At the piece's own rate, so that nothing is resampled. */
export function stem(takeId: string, rateHz: number): Promise<AudioBuffer> {
  const known = held.get(takeId);
  held.delete(takeId);
  const audio = known ?? load(takeId, rateHz);
  held.set(takeId, audio); // the newest is last
  return audio;
}

async function load(takeId: string, rateHz: number): Promise<AudioBuffer> {
  try {
    const file = await api.audio(takeId);
    const audio = await new OfflineAudioContext(2, 1, rateHz).decodeAudioData(file);
    sizes.set(takeId, audio.length * audio.numberOfChannels * 4);
    makeRoom();
    return audio;
  } catch (fault) {
    held.delete(takeId);
    throw fault;
  }
}

function makeRoom(): void {
  let total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  for (const takeId of [...held.keys()].slice(0, -8)) {
    if (total <= MOST_BYTES) return;
    total -= sizes.get(takeId) ?? 0;
    held.delete(takeId);
    sizes.delete(takeId);
  }
}
