/** Ruler and lanes in one field that scrolls sideways, with what lies over all lanes: span and playhead. */

import { useEffect, useRef } from "preact/hooks";
import { player } from "../audio/desk";
import { grid, tracks } from "../state/piece";
import { laneWidth, loops, pxPerS, setZoom, span, zoom } from "../state/view";
import { eachFrame } from "./each_frame";
import { Lane } from "./lane";
import { Ruler } from "./ruler";

export function Timeline() {
  const frame = useRef<HTMLDivElement>(null);
  const head = useRef<HTMLDivElement>(null);
  const playhead = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const measure = () => {
      if (!frame.current) return;
      const beside = getComputedStyle(head.current!).display === "none" ? 0 : head.current!.offsetWidth;
      laneWidth.value = Math.max(120, frame.current.clientWidth - beside);
    };
    const observer = new ResizeObserver(measure);
    observer.observe(frame.current!);
    return () => observer.disconnect();
  }, []);

  useEffect(
    () =>
      eachFrame(() => {
        const now = player.value?.nowS() ?? 0;
        const x = now * pxPerS.value;
        if (playhead.current) playhead.current.style.transform = `translateX(${x}px)`;
        if (frame.current && player.value?.isPlaying.value) follow(frame.current, x);
      }),
    [],
  );

  const onWheel = (event: WheelEvent) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    setZoom(zoom.value * Math.exp(-event.deltaY / 300));
  };
  const marked = span.value;
  const width = grid.value.durationS * pxPerS.value;
  return (
    <div class="timeline" ref={frame} onWheel={onWheel} tabIndex={-1}>
      <div class="tracks" style={{ "--width": `${width}px` }}>
        <div class="ruler-row">
          <div class="head" ref={head} aria-hidden="true" />
          <Ruler />
        </div>
        {tracks.value.map((track) => (
          <Lane key={track} track={track} />
        ))}
        <div class="over" aria-hidden="true">
          {marked && (
            <div
              class={loops.value ? "span looped" : "span"}
              style={{ left: `${marked.startS * pxPerS.value}px`, width: `${(marked.endS - marked.startS) * pxPerS.value}px` }}
            />
          )}
          <div class="playhead" ref={playhead} />
        </div>
      </div>
    </div>
  );
}

/** A page on, when the playhead leaves what is seen. */
function follow(frame: HTMLElement, x: number): void {
  const seen = laneWidth.value;
  if (x < frame.scrollLeft || x > frame.scrollLeft + seen) frame.scrollLeft = Math.max(0, x - seen * 0.1);
}
