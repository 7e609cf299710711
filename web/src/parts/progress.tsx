/** How far a generation is, over the lane it is for. */

import { cancel, type Following } from "../state/generations";
import { grid } from "../state/piece";
import { pxPerS } from "../state/view";

export function Progress({ following }: { following: Following }) {
  const { region } = following;
  const at = region ? { left: `${region[0]! * pxPerS.value}px`, width: `${(region[1]! - region[0]!) * pxPerS.value}px` } : { left: 0, width: `${grid.value.durationS * pxPerS.value}px` };
  const share = Math.round(following.progress * 100);
  return (
    <div class="progress" style={at}>
      <div
        class="progress-bar"
        role="progressbar"
        aria-label={`Making ${following.targets.join(", ")}`}
        aria-valuenow={share}
        aria-valuemin={0}
        aria-valuemax={100}
        style={{ "--share": following.progress.toFixed(3) }}
      />
      <p>
        <span>{words(following)}</span>
        <button type="button" class="small" aria-label={`Cancel making ${following.targets.join(", ")}`} onClick={() => void cancel(following.id)}>
          Cancel
        </button>
      </p>
    </div>
  );
}

function words({ state, place, progress, leftS }: Following): string {
  if (state === "queued") return place && place > 1 ? `${place - 1} before it in the queue` : "next in the queue";
  const share = `${Math.round(progress * 100)} %`;
  if (leftS === null) return progress > 0 ? share : "starting";
  return `${share}, ${leftS < 1 ? "almost there" : leftS < 90 ? `${Math.ceil(leftS)} s left` : `${Math.ceil(leftS / 60)} min left`}`;
}
