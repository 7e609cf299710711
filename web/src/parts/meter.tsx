/** The mix's level, left and right, in decibels below full scale. */

import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { player } from "../audio/desk";
import { eachFrame } from "./each_frame";

const FLOOR_DB = -48;
const FALL_DB_PER_FRAME = 0.7;

export function Meter() {
  const bars = [useRef<HTMLSpanElement>(null), useRef<HTMLSpanElement>(null)];
  const isTooLoud = useSignal(false);
  useEffect(() => {
    const samples = new Float32Array(2048);
    const levels = [FLOOR_DB, FLOOR_DB];
    return eachFrame(() => {
      player.value?.meters.forEach((meter, side) => {
        meter.getFloatTimeDomainData(samples);
        let peak = 0;
        for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
        if (peak > 1) isTooLoud.value = true;
        const level = peak > 0 ? 20 * Math.log10(peak) : FLOOR_DB;
        levels[side] = Math.max(level, levels[side]! - FALL_DB_PER_FRAME, FLOOR_DB);
        const share = 1 - levels[side]! / FLOOR_DB;
        bars[side]!.current?.style.setProperty("--level", Math.min(1, share).toFixed(3));
      });
    });
  }, []);
  return (
    <div class="meter">
      <div class="meter-bars" role="img" aria-label="Level of the mix">
        <span ref={bars[0]} class="meter-bar" />
        <span ref={bars[1]} class="meter-bar" />
      </div>
      {isTooLoud.value && (
        <button
          type="button"
          class="too-loud"
          title="The mix passed full scale: turn lanes down. The exported mix is turned down as a whole. Click to reset."
          onClick={() => (isTooLoud.value = false)}
        >
          too loud
        </button>
      )}
    </div>
  );
}
