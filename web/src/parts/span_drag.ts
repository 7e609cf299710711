/** Click to go somewhere, drag to mark a span: the same on the ruler and on every lane. */

import { player } from "../audio/desk";
import { grid } from "../state/piece";
import { snapped } from "../state/grid";
import { pxPerS, setSpan } from "../state/view";

const CLICK_PX = 4;

export function onSpanDrag(event: PointerEvent): void {
  if (event.button !== 0) return;
  const ground = event.currentTarget as HTMLElement;
  const fromX = event.clientX;
  const at = (x: number) => (x - ground.getBoundingClientRect().left) / pxPerS.value;
  const from = at(fromX);
  let isDrag = false;
  ground.setPointerCapture(event.pointerId);
  const exact = (move: PointerEvent, seconds: number) => (move.altKey ? seconds : snapped(grid.value, seconds));

  const move = (next: PointerEvent) => {
    isDrag ||= Math.abs(next.clientX - fromX) > CLICK_PX;
    if (!isDrag) return;
    const ends = [exact(next, from), exact(next, at(next.clientX))].sort((one, other) => one - other);
    setSpan({ startS: Math.max(0, ends[0]!), endS: Math.min(ends[1]!, grid.value.durationS) });
  };
  const end = (last: PointerEvent) => {
    ground.removeEventListener("pointermove", move);
    ground.removeEventListener("pointerup", end);
    ground.removeEventListener("pointercancel", end);
    if (!isDrag && last.type === "pointerup") player.value?.seek(at(last.clientX));
  };
  ground.addEventListener("pointermove", move);
  ground.addEventListener("pointerup", end);
  ground.addEventListener("pointercancel", end);
}
