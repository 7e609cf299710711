/** Play, loop, position, level. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { player, togglePlay } from "../audio/desk";
import { clock, position, spanName } from "../state/grid";
import { canRedo, canUndo, chosen, grid, model, redo, undo } from "../state/piece";
import { loops, maxZoom, setLoops, setSpan, setZoom, span, zoom } from "../state/view";
import { eachFrame } from "./each_frame";
import { Icon } from "./icons";
import { LongerDialog } from "./longer_dialog";
import { Meter } from "./meter";

export function Transport() {
  const isLonger = useSignal(false);
  const isPlaying = player.value?.isPlaying.value ?? false;
  return (
    <div class="transport" role="toolbar" aria-label="Playing">
      <div class="group">
        <button type="button" class="plain" aria-label="Back to the start" title="Back to the start (Home)" onClick={() => player.value?.seek(0)}>
          <Icon name="start" />
        </button>
        <button type="button" class="play" aria-label={isPlaying ? "Pause" : "Play"} title="Play or pause (Space)" onClick={togglePlay}>
          <Icon name={isPlaying ? "pause" : "play"} />
        </button>
        <button
          type="button"
          class="plain toggle"
          aria-pressed={loops.value}
          aria-label="Loop"
          title="Loop the marked span, or all (L)"
          onClick={() => setLoops(!loops.value)}
        >
          <Icon name="loop" />
        </button>
      </div>
      <Position />
      <button
        type="button"
        class="plain"
        aria-label="Make it longer"
        title={model.value?.rewrites ? "Make it longer" : "The model that is served cannot go on with a piece"}
        disabled={!model.value?.rewrites || Object.keys(chosen.value).length === 0}
        onClick={() => (isLonger.value = true)}
      >
        <Icon name="longer" />
      </button>
      {isLonger.value && <LongerDialog onClose={() => (isLonger.value = false)} />}
      <Meter />
      <div class="group">
        <button type="button" class="plain" aria-label="Undo the choice of takes" title="Undo (Ctrl+Z)" disabled={!canUndo.value} onClick={undo}>
          <Icon name="undo" />
        </button>
        <button type="button" class="plain" aria-label="Redo the choice of takes" title="Redo (Ctrl+Y)" disabled={!canRedo.value} onClick={redo}>
          <Icon name="redo" />
        </button>
      </div>
      <div class="group zooming">
        <button type="button" class="plain" aria-label="Zoom out" title="Zoom out (−)" disabled={zoom.value <= 1} onClick={() => setZoom(zoom.value / 1.5)}>
          <Icon name="zoomOut" />
        </button>
        <button type="button" class="plain" aria-label="Zoom in" title="Zoom in (+)" disabled={zoom.value >= maxZoom.value} onClick={() => setZoom(zoom.value * 1.5)}>
          <Icon name="zoomIn" />
        </button>
      </div>
      {span.value && (
        <button type="button" class="span-chip" title="Unmark (Escape)" onClick={() => setSpan(null)}>
          {spanName(grid.value, span.value)} <Icon name="close" />
          <span class="unseen">marked; unmark</span>
        </button>
      )}
    </div>
  );
}

function Position() {
  const bars = useRef<HTMLSpanElement>(null);
  const time = useRef<HTMLSpanElement>(null);
  useEffect(
    () =>
      eachFrame(() => {
        const now = player.value?.nowS() ?? 0;
        write(bars.current, grid.value.beatS === null ? "" : position(grid.value, now));
        write(time.current, clock(now));
      }),
    [],
  );
  return (
    <div class="position" role="timer" aria-live="off" aria-label="Position">
      <span ref={bars} class="bars" />
      <span ref={time} class="seconds" />
      <span class="seconds whole">/ {clock(grid.value.durationS)}</span>
    </div>
  );
}

function write(element: HTMLElement | null, text: string): void {
  if (element && element.textContent !== text) element.textContent = text;
}
