/** A piece goes on: a longer copy, whose new end is marked to be made. */

import { useSignal } from "@preact/signals";
import { api } from "../api/client";
import { noticeLoss } from "../state/connection";
import { clock } from "../state/grid";
import { tellFault } from "../state/notices";
import { grid, leave, open, piece, titleOf } from "../state/piece";
import { goTo } from "../state/route";
import { openView, setSpan } from "../state/view";
import { Dialog } from "./dialog";

const MOST_S = 240;
const TIMES = [1.25, 1.5, 2, 3, 4];

export function LongerDialog({ onClose }: { onClose: () => void }) {
  const isBusy = useSignal(false);
  const { durationS, beatS, beatsPerBar } = grid.value;
  const barS = beatS === null ? null : beatS * beatsPerBar;
  const lengths = TIMES.map((times) => (barS ? Math.round((durationS * times) / barS) * barS : durationS * times));
  const offered = [...new Set(lengths)].filter((each) => each > durationS + 0.01 && each <= MOST_S + 0.01);

  const go = async (newS: number) => {
    const old = piece.value!;
    isBusy.value = true;
    try {
      const copy = await api.duplicate(old.id, { name: `${titleOf(old)}, longer`.slice(0, 200), duration_s: newS });
      await leave();
      openView(copy.id);
      await open(copy.id);
      setSpan({ startS: durationS, endS: newS });
      goTo(copy.id);
      onClose();
    } catch (fault) {
      if (!noticeLoss(fault)) tellFault("It was not made longer", fault);
      isBusy.value = false;
    }
  };
  return (
    <Dialog title="Make it longer" onClose={onClose}>
      <p>A longer copy is made, with the takes you chose. Its new end is silent and marked: the button that makes takes fills it, to go on from what is there. This piece stays as it is.</p>
      <div class="choices">
        {offered.map((newS) => (
          <button type="button" key={newS} class="choice" disabled={isBusy.value} onClick={() => void go(newS)}>
            <b>{barS ? `${Math.round(newS / barS)} bars` : clock(newS)}</b>
            <small>
              {clock(newS)}, {clock(newS - durationS)} more
            </small>
          </button>
        ))}
        {offered.length === 0 && <p class="fine">It has the most that a piece can have: {MOST_S / 60} minutes.</p>}
      </div>
    </Dialog>
  );
}
