/** Bars above the lanes; a slider for whoever uses keys or a screen reader. */

import { useRef, useEffect } from "preact/hooks";
import { player } from "../audio/desk";
import { grid } from "../state/piece";
import { marks, spoken } from "../state/grid";
import { pxPerS } from "../state/view";
import { eachFrame } from "./each_frame";
import { onSpanDrag } from "./span_drag";

export function Ruler() {
  const slider = useRef<HTMLDivElement>(null);
  const { durationS } = grid.value;
  useEffect(
    () =>
      eachFrame(() => {
        const now = player.value?.nowS() ?? 0;
        const text = spoken(grid.value, now);
        const element = slider.current;
        if (!element || element.ariaValueText === text) return;
        element.ariaValueNow = now.toFixed(2);
        element.ariaValueText = text;
      }),
    [],
  );
  return (
    <div
      ref={slider}
      class="ruler"
      role="slider"
      tabIndex={0}
      aria-label="Position in the piece"
      aria-valuemin={0}
      aria-valuemax={durationS}
      aria-valuenow={0}
      style={{ width: `${durationS * pxPerS.value}px` }}
      onPointerDown={onSpanDrag}
      title="Click to go there, drag to mark a span"
    >
      {marks(grid.value, pxPerS.value).map((mark) => (
        <span
          key={mark.atS}
          class={mark.isMajor ? "mark" : "mark minor"}
          style={{ transform: `translateX(${mark.atS * pxPerS.value}px)` }}
          aria-hidden="true"
        >
          {mark.label}
        </span>
      ))}
    </div>
  );
}
