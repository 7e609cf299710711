/** An upload that does not lie on the grid: as it is, or moved; its track, too. */

import { useSignal } from "@preact/signals";
import { change, piece, tracks } from "../state/piece";
import { type Dropped, needsMoving, settled, upload } from "../state/uploads";
import { Dialog } from "./dialog";
import { listed, nameOf } from "./track_look";

export function AlignmentDialog({ which }: { which: Dropped }) {
  const track = useSignal(which.track);
  const { alignment, file } = which;
  const tempo = piece.value?.tempo_bpm ?? null;
  const heard = alignment?.heard_bpm ?? null;
  const close = () => settled(which);
  const send = (stretch: number, offsetS: number) => {
    settled(which);
    void upload(file, track.value, stretch, offsetS);
  };
  const [stretch, toBeat, toBar] = [alignment?.stretch ?? 1, alignment?.offset_to_beat_s ?? 0, alignment?.offset_to_bar_s ?? 0];
  const isStretched = Math.abs(stretch - 1) > 1e-6;
  return (
    <Dialog title={`${file.name}: bring it onto the grid?`} onClose={close}>
      <p>
        {heard === null ? "No beat was heard in it." : `It sounds like ${heard.toFixed(1)} bpm`}
        {heard !== null && tempo !== null && isStretched ? `; the piece has ${tempo.toFixed(0)}.` : "."} Nothing is changed unless you say so.
      </p>
      <label class="field inline">
        <span>Track</span>
        <select value={track.value} onChange={(event) => (track.value = event.currentTarget.value)}>
          {tracks.value.map((each) => (
            <option key={each} value={each}>
              {nameOf(each)}
            </option>
          ))}
        </select>
      </label>
      <div class="choices">
        {alignment && needsMoving(alignment) && (
          <>
            <button type="button" class="choice" onClick={() => send(stretch, toBar)}>
              <b>Beats and bars on the grid</b>
              <small>{listed([isStretched ? `${tempoWords(stretch)}` : "", shiftWords(toBar)].filter(Boolean))}; bars are hard to hear: listen</small>
            </button>
            <button type="button" class="choice" onClick={() => send(stretch, toBeat)}>
              <b>Beats on the grid</b>
              <small>{listed([isStretched ? `${tempoWords(stretch)}` : "", shiftWords(toBeat)].filter(Boolean))}</small>
            </button>
          </>
        )}
        {heard !== null && tempo === null && (
          <button
            type="button"
            class="choice"
            onClick={() => {
              change({ tempo_bpm: Math.round(heard * 10) / 10 });
              send(1, toBar);
            }}
          >
            <b>Take its tempo for the piece</b>
            <small>
              {heard.toFixed(1)} bpm, {shiftWords(toBar)}
            </small>
          </button>
        )}
        <button type="button" class="choice" onClick={() => send(1, 0)}>
          <b>As it is</b>
          <small>neither stretched nor moved</small>
        </button>
      </div>
    </Dialog>
  );
}

function tempoWords(stretch: number): string {
  const share = Math.round(Math.abs(stretch - 1) * 100);
  return `${share} % ${stretch > 1 ? "slower" : "faster"} at the same pitch`;
}

function shiftWords(seconds: number): string {
  if (Math.abs(seconds) < 0.005) return "not moved";
  return `${Math.abs(seconds).toFixed(2)} s ${seconds > 0 ? "later" : "earlier"}`;
}
